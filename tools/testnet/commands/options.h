#pragma once

/// Sorts of options that CLI11 does not have: what cannot be read is refused with the option's
/// name.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace kadwire::testnet {

/// Decimal digits of a number of 64 bits; no sign, and nothing that would wrap around. An error is
/// a sentence.
[[nodiscard]] tl::expected<std::uint64_t, std::string> parse_seed(std::string_view text);
/// `seed` outlives the parsing.
CLI::Option* add_seed_option(CLI::App& command, const std::string& name, std::uint64_t& seed,
                             const std::string& description);

/// Separated by commas, but for those within parentheses, brackets, braces and double quotes:
/// "lognormal(20ms, 0.5),5ms" are two.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
/// Takes one argument. `items` outlives the parsing.
CLI::Option* add_list_option(CLI::App& command, const std::string& name,
                             std::vector<std::string>& items, const std::string& description);

}  // namespace kadwire::testnet
