#include "tools/testnet/commands/scenario_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tools/testnet/scenario/library.h"
#include "tools/testnet/scenario/scaling.h"
#include "tools/testnet/scenario/scenario_parser.h"
#include "tools/testnet/scenario/values.h"

namespace kadwire::testnet {
namespace {

/// For a shell, so that it takes it as one word.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
           std::strchr("-_./=:%+", letter) != nullptr;
  });
  if (plain) return word;
  std::string result = "'";
  for (const char letter : word) result += letter == '\'' ? "'\\''" : std::string(1, letter);
  return result + "'";
}

}  // namespace

void ScenarioSource::add_to(CLI::App& command) {
  command.add_option("scenario", name, "a scenario of the library, or a file")
      ->required()
      ->type_name("SCENARIO");
  add_options_to(command);
}

void ScenarioSource::add_options_to(CLI::App& command) {
  command.add_option("--nodes", nodes, "scale the largest group of members to N")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kNodesMax));
  add_changes_to(command);
}

void ScenarioSource::add_changes_to(CLI::App& command) {
  command.add_option("--until", until, "end after this much simulated time: 90s, 2h, 7d")
      ->type_name("TIME");
  command
      .add_option("--set", overrides, "change one value: --set groups.homes.count=20 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

std::string ScenarioSource::command_line() const {
  return quoted(name) + (nodes ? fmt::format(" --nodes {}", *nodes) : "") + changes();
}

std::string ScenarioSource::changes() const {
  std::string line;
  if (until) line += " --until " + quoted(*until);
  for (const std::string& each : overrides) line += " --set " + quoted(each);
  return line;
}

tl::expected<ScenarioText, std::string> read_scenario(const std::string& name) {
  if (const auto found = find_scenario(name)) {
    return ScenarioText{name + ".toml", std::string(*found)};
  }
  std::ifstream file(name, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    const bool looks_like_path = name.find_first_of("./") != std::string::npos;
    return tl::unexpected(looks_like_path ? fmt::format("{}: {}", name, std::strerror(errno))
                                          : unknown_scenario(name));
  }
  return ScenarioText{name, content.str()};
}

tl::expected<Scenario, std::string> load_scenario(const ScenarioSource& source) {
  const auto text = read_scenario(source.name);
  if (!text) return tl::unexpected(text.error());
  std::vector<std::string> overrides = source.overrides;
  if (source.until) overrides.push_back("until=" + *source.until);
  auto scenario = parse_scenario(text->text, text->file, overrides);
  if (!scenario) return tl::unexpected(to_text(scenario.error()));
  if (source.nodes) {
    if (auto scaled = scale_members(*scenario, *source.nodes); !scaled) {
      return tl::unexpected("--nodes: " + scaled.error());
    }
  }
  return std::move(*scenario);
}

}  // namespace kadwire::testnet
