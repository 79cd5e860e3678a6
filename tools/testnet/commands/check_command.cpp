#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/scenario/describe.h"
#include "tools/testnet/scenario/scenario_parser.h"

namespace kadwire::testnet {
namespace {

struct CheckOptions {
  std::vector<std::string> scenarios;
  bool json = false;
  bool describe = false;
};

nlohmann::ordered_json to_json(const ScenarioError& error) {
  return {{"file", error.file},
          {"line", error.line},
          {"column", error.column},
          {"field", error.field},
          {"message", error.message}};
}

std::size_t nodes_of(const Scenario& scenario) {
  std::size_t nodes = 0;
  for (const Group& group : scenario.groups) nodes += group.count;
  return nodes;
}

int check(const CheckOptions& options) {
  int code = kExitSuccess;
  auto errors = nlohmann::ordered_json::array();
  for (const std::string& name : options.scenarios) {
    const auto text = read_scenario(name);
    if (!text) {
      code = kExitUsage;
      errors.push_back(to_json(ScenarioError{name, 0, 0, "", text.error()}));
      if (!options.json) complain(text.error());
      continue;
    }
    const auto scenario = parse_scenario(text->text, text->file);
    if (!scenario) {
      code = kExitUsage;
      for (const ScenarioError& error : scenario.error()) errors.push_back(to_json(error));
      if (!options.json) fmt::print(stderr, "{}\n", to_text(scenario.error()));
    } else if (!options.json) {
      fmt::print("{}: ok, {} nodes in {} groups, {} events\n", text->file, nodes_of(*scenario),
                 scenario->groups.size(), scenario->events.size());
      if (options.describe) fmt::print("{}", describe(*scenario));
    }
  }
  if (options.json) fmt::print("{}\n", errors.dump());
  return code;
}

}  // namespace

void add_check_command(CLI::App& app, Action& chosen) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* command =
      app.add_subcommand("check", "say what is wrong with scenarios, with line and field");
  command->footer(
      "Examples:\n"
      "  kadwire-testnet check mine.toml --describe\n"
      "  kadwire-testnet check *.toml\n"
      "Exit codes: 0 all are well, 2 not.");
  command->add_option("scenarios", options->scenarios, "files, or names of the library")
      ->required()
      ->type_name("SCENARIO");
  command->add_flag("--json", options->json, "the errors as a JSON list");
  command->add_flag("--describe", options->describe, "tell in a few lines what they say");
  command->callback([options, &chosen] { chosen = [options] { return check(*options); }; });
}

}  // namespace kadwire::testnet
