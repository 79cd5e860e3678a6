#pragma once

/// Scenarios as people write them: TOML (https://toml.io/en/v1.0.0), strictly. What is not
/// understood is refused, never skipped, and everything that is wrong is told at once. Pure: reads
/// no file. tools/testnet/README.md describes the language.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "tools/testnet/scenario/scenario.h"
#include "tools/testnet/scenario/scenario_error.h"

namespace kadwire::testnet {

/// A long scenario has about 5 KB.
inline constexpr std::size_t kScenarioBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kOverridesMax = 100;

/// The scenario in `toml`. `file` is how errors call it; without its folder and ending it is the
/// scenario's name. Each of `overrides` is "KEY=VALUE" (overrides.h) and is applied first.
/// Fails with what is wrong, sorted by place, never empty: no TOML, unknown keys (with the nearest
/// known one), wrong types, values out of bounds, and names that nothing bears.
[[nodiscard]] tl::expected<Scenario, std::vector<ScenarioError>> parse_scenario(
    std::string_view toml, std::string_view file, std::span<const std::string> overrides = {});

/// A key of the language and where it may stand: {"groups.NAME", "count"}; at the top, section is
/// empty.
struct KnownKey {
  std::string section;
  std::string key;
  bool operator==(const KnownKey&) const = default;
};
/// All of them, by section, in the order of the documentation.
[[nodiscard]] std::vector<KnownKey> known_keys();

}  // namespace kadwire::testnet
