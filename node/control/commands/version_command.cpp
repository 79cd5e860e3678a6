#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "node/control/commands/commands.h"
#include "node/control/version.h"

namespace kadwire::control {
namespace {

class VersionCommand final : public Command {
 public:
  explicit VersionCommand(CLI::App& root)
      : Command(root, "version", "Print the version; so do -v and --version in first place") {}

  int run(Invocation& invocation) override {
    if (json_) {
      print_json(invocation, {{"version", version()}});
    } else {
      invocation.out << "kadwire version " << version() << "\n";
    }
    return kExitOk;
  }
};

}  // namespace

void add_version(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<VersionCommand>(root));
}

}  // namespace kadwire::control
