#include "tools/testnet/scenario/scenario_error.h"

#include <fmt/format.h>

namespace kadwire::testnet {

std::string to_text(const ScenarioError& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  if (!error.field.empty()) text += fmt::format(": {}", error.field);
  return text + ": " + error.message;
}

std::string to_text(const std::vector<ScenarioError>& errors) {
  std::string text;
  for (const ScenarioError& error : errors) text += (text.empty() ? "" : "\n") + to_text(error);
  return text;
}

}  // namespace kadwire::testnet
