#include "tools/testnet/commands/scenario_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "tools/testnet/scenario/library.h"
#include "tools/testnet/scenario/scaling.h"
#include "tools/testnet/scenario/scenario_parser.h"
#include "tools/testnet/scenario/values.h"

namespace kadwire::testnet {
namespace {

/// False: it cannot be read, or is longer than any scenario. An empty one can.
bool read_all(std::istream& file, std::string& content) {
  content.resize(kScenarioBytesMax + 1);
  errno = 0;
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return !file.bad() && errno == 0;
}

/// What is asked for along with --nodes is meant for so many.
void keep_what_was_set(const ScenarioSource& source, const Expectations& asked,
                       Expectations& expect) {
  const auto is_set = [&](std::string_view key) {
    return std::ranges::any_of(source.overrides,
                               [&](const std::string& each) { return each.starts_with(key); });
  };
  if (is_set("expect.pairs_min=")) expect.pairs_min = asked.pairs_min;
  if (is_set("expect.pairs_max=")) expect.pairs_max = asked.pairs_max;
  if (is_set("expect.path_swaps=")) expect.path_swaps_max = asked.path_swaps_max;
}

}  // namespace

std::string shell_word(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
           std::strchr("-_./=:%+", letter) != nullptr;
  });
  if (plain) return word;
  std::string result = "'";
  for (const char letter : word) result += letter == '\'' ? "'\\''" : std::string(1, letter);
  return result + "'";
}

void ScenarioSource::add_to(CLI::App& command) {
  command.add_option("scenario", name, "a scenario of the library, or a file")
      ->required()
      ->type_name("SCENARIO");
  add_options_to(command);
}

void ScenarioSource::add_options_to(CLI::App& command) {
  command
      .add_option(
          "--nodes", nodes,
          "scale the largest group of members to N; leaves out pairs_min, pairs_max, path_swaps")
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
  return shell_word(name) + (nodes ? fmt::format(" --nodes {}", *nodes) : "") + changes();
}

std::string ScenarioSource::replay(std::uint64_t seed) const {
  return fmt::format("kadwire-testnet replay {}{}{}", shell_word(fmt::format("{}:{}", name, seed)),
                     nodes ? fmt::format(" --nodes {}", *nodes) : "", changes());
}

std::string ScenarioSource::changes() const {
  std::string line;
  if (until) line += " --until " + shell_word(*until);
  for (const std::string& each : overrides) line += " --set " + shell_word(each);
  return line;
}

tl::expected<ScenarioText, std::string> read_scenario(const std::string& name) {
  if (const auto found = find_scenario(name)) {
    return ScenarioText{name + ".toml", std::string(*found)};
  }
  std::ifstream file(name, std::ios::binary);
  std::string content;
  if (!file || !read_all(file, content)) {
    const bool looks_like_path = name.find_first_of("./") != std::string::npos;
    return tl::unexpected(looks_like_path ? fmt::format("{}: {}", name, std::strerror(errno))
                                          : unknown_scenario(name));
  }
  return ScenarioText{name, std::move(content)};
}

tl::expected<Scenario, std::string> load_scenario(const ScenarioSource& source) {
  const auto text = read_scenario(source.name);
  if (!text) return tl::unexpected(text.error());
  std::vector<std::string> overrides = source.overrides;
  if (source.until) {
    const auto until = parse_duration(*source.until);
    if (!until) return tl::unexpected("--until: " + until.error());
  }
  if (source.until) overrides.push_back("until=" + *source.until);
  auto scenario = parse_scenario(text->text, text->file, overrides);
  if (!scenario) return tl::unexpected(to_text(scenario.error()));
  if (source.nodes) {
    const Expectations asked = scenario->expect;
    if (auto scaled = scale_members(*scenario, *source.nodes); !scaled) {
      return tl::unexpected("--nodes: " + scaled.error());
    }
    keep_what_was_set(source, asked, scenario->expect);
  }
  return std::move(*scenario);
}

}  // namespace kadwire::testnet
