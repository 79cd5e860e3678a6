#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/testnet/commands/commands.h"
#include "tools/testnet/commands/scenario_source.h"
#include "tools/testnet/scenario/library.h"

namespace kadwire::testnet {
namespace {

int list(bool json) {
  const auto scenarios = list_scenarios();
  if (json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& each : scenarios) {
      all.push_back({{"name", each.name}, {"summary", each.summary}});
    }
    fmt::print("{}\n", all.dump());
    return kExitSuccess;
  }
  std::size_t width = 0;
  for (const auto& each : scenarios) width = std::max(width, each.name.size());
  for (const auto& each : scenarios) fmt::print("{:{}}  {}\n", each.name, width, each.summary);
  return kExitSuccess;
}

int show(const std::string& name) {
  const auto text = read_scenario(name);
  if (!text) return complain(text.error());
  fmt::print("{}", text->text);
  return kExitSuccess;
}

}  // namespace

void add_scenarios_command(CLI::App& app, Action& chosen) {
  struct Options {
    std::string name;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("scenarios", "list the library, or show one of it");
  command->footer(
      "Examples:\n"
      "  kadwire-testnet scenarios\n"
      "  kadwire-testnet scenarios home-nats > mine.toml");
  command->add_option("name", options->name, "show this one: a start for your own")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "the list as JSON");
  command->callback([options, &chosen] {
    chosen = [options] {
      return options->name.empty() ? list(options->json) : show(options->name);
    };
  });
}

}  // namespace kadwire::testnet
