#pragma once

/// What is wrong with a scenario, and where.

#include <cstddef>
#include <string>
#include <vector>

namespace kadwire::testnet {

/// More are not collected: they follow from the first ones.
inline constexpr std::size_t kScenarioErrorsMax = 20;

struct ScenarioError {
  std::string file;        ///< or "--set KEY=VALUE"
  std::size_t line = 0;    ///< from 1; 0: it came from no file
  std::size_t column = 0;  ///< from 1, in characters
  std::string field;       ///< "groups.homes.count"; empty: the file as a whole
  std::string message;     ///< "0 is too few; 1 to 20000"
};

/// One line without its end: "home-nats.toml:12:9: groups.homes.count: 0 is too few; 1 to 20000".
[[nodiscard]] std::string to_text(const ScenarioError& error);
/// All of them, a line each; the last without its end.
[[nodiscard]] std::string to_text(const std::vector<ScenarioError>& errors);

}  // namespace kadwire::testnet
