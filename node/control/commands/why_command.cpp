#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "node/control/commands/commands.h"
#include "node/control/why_text.h"

namespace kadwire::control {
namespace {

constexpr const char* kWhyExamples =
    "Says how a peer is reached, or that it is not; why; what that was concluded from; what to "
    "do;\n"
    "and what happened between the two, the oldest first.\n"
    "\n"
    "PEER is a hostname, a NodeId in either form or its beginning, or an address in the mesh.\n"
    "\n"
    "Examples:\n"
    "  sudo kadwire why alpha\n"
    "  sudo kadwire why 10.37.4.2\n"
    "  sudo kadwire why ce2mqx --json | jq -r .reason\n"
    "Exit codes: 0 told, 1 no such peer or no daemon, 2 not understood.";

class WhyCommand final : public Command {
 public:
  explicit WhyCommand(CLI::App& root)
      : Command(root, "why", "Explain how a peer is reached, and what would be better"),
        daemon_(app_) {
    app_.footer(kWhyExamples);
    app_.add_option("peer", peer_, "Hostname, NodeId or its beginning, or address in the mesh")
        ->type_name("PEER");
  }

  int run(Invocation& invocation) override {
    if (!peer_) return fail(invocation, {"why needs a peer: kadwire why PEER"}, kExitUsage);
    const auto why = daemon_.call(invocation, "peers.why", {{"node", *peer_}});
    if (!why) return fail(invocation, why.error());
    if (json_) {
      print_json(invocation, *why);
    } else {
      const auto now =
          std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
      invocation.out << describe_why(*why, now, invocation.colour);
    }
    return kExitOk;
  }

 private:
  DaemonChoice daemon_;
  std::optional<std::string> peer_;
};

}  // namespace

void add_why(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<WhyCommand>(root));
}

}  // namespace kadwire::control
