#pragma once

/// The scenarios that come with the program: tools/testnet/scenarios/*.toml, embedded when it was
/// built.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kadwire::testnet {

struct LibraryEntry {
  std::string name;       ///< "home-nats"
  std::string summary;    ///< one line, the scenario's own
  std::string_view text;  ///< TOML, for parse_scenario; lives as long as the program
};

/// Sorted by name.
[[nodiscard]] std::vector<LibraryEntry> list_scenarios();
/// Its text; nullopt: there is no such scenario.
[[nodiscard]] std::optional<std::string_view> find_scenario(std::string_view name);
/// "'open5' is unknown; did you mean 'open-5'?": for whoever asked for one that is not there.
[[nodiscard]] std::string unknown_scenario(std::string_view name);

}  // namespace kadwire::testnet
