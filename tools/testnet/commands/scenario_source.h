#pragma once

/// Which scenario a command is about, as its options say, and reading it.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

struct ScenarioSource {
  std::string name;                    ///< of the library, or a file's path
  std::optional<std::size_t> nodes;    ///< scales the largest group of members to so many
  std::optional<std::string> until;    ///< another end, as a duration
  std::vector<std::string> overrides;  ///< KEY=VALUE each

  /// Adds the scenario's name and the options that change it.
  void add_to(CLI::App& command);
  void add_options_to(CLI::App& command);
  void add_changes_to(CLI::App& command);  ///< --until and --set alone
  /// The same again, for a shell.
  [[nodiscard]] std::string command_line() const;
  /// The command that plays it with this seed, for a shell.
  [[nodiscard]] std::string replay(std::uint64_t seed) const;
  [[nodiscard]] std::string changes() const;  ///< of it --until and --set, with a space before each
};

/// For a shell, so that it takes it as one word.
[[nodiscard]] std::string shell_word(const std::string& word);

/// The text of a library scenario or of a file, and how to call it. An error is a sentence.
struct ScenarioText {
  std::string file;
  std::string text;
};
[[nodiscard]] tl::expected<ScenarioText, std::string> read_scenario(const std::string& name);

/// The scenario with all changes made. An error has a line for each thing that is wrong.
[[nodiscard]] tl::expected<Scenario, std::string> load_scenario(const ScenarioSource& source);

}  // namespace kadwire::testnet
