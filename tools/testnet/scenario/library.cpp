#include "tools/testnet/scenario/library.h"

#include "tools/testnet/embedded_text.h"
#include "tools/testnet/scenario/fields.h"

namespace kadwire::testnet {

/// Generated from tools/testnet/scenarios, in the order of their names.
std::span<const EmbeddedText> embedded_scenarios();

namespace {

constexpr std::string_view kEnding = ".toml";

std::string_view name_of(const EmbeddedText& file) {
  return file.name.substr(0, file.name.size() - kEnding.size());
}

/// The summary alone, without reading the rest.
std::string summary_of(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  return parsed ? parsed.table()["summary"].value_or(std::string()) : "";
}

}  // namespace

std::vector<LibraryEntry> list_scenarios() {
  std::vector<LibraryEntry> entries;
  for (const EmbeddedText& each : embedded_scenarios()) {
    entries.push_back({std::string(name_of(each)), summary_of(each.text), each.text});
  }
  return entries;
}

std::optional<std::string_view> find_scenario(std::string_view name) {
  for (const EmbeddedText& each : embedded_scenarios()) {
    if (name_of(each) == name) return each.text;
  }
  return std::nullopt;
}

std::string unknown_scenario(std::string_view name) {
  std::vector<std::string> names;
  for (const LibraryEntry& each : list_scenarios()) names.push_back(each.name);
  return unknown_word(name, names);
}

}  // namespace kadwire::testnet
