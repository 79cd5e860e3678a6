#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "node/control/commands/commands.h"
#include "node/control/join_settings.h"
#include "node/control/netcheck_text.h"
#include "node/control/privileges.h"
#include "node/control/text.h"

namespace kadwire::control {
namespace {

constexpr const char* kNetcheckExamples =
    "Asks STUN servers and the gateway how this host looks from outside, for some seconds, and\n"
    "says what tunnels to expect and what to change. Needs no daemon, no secret and no rights, "
    "and\n"
    "changes nothing. It asks from ports of its own: a rule that a gateway has for WireGuard's "
    "port\n"
    "alone does not show.\n"
    "\n"
    "Examples:\n"
    "  kadwire netcheck\n"
    "  kadwire netcheck --stun bootstrap.example.org --stun 192.0.2.7:3478\n"
    "  kadwire netcheck --json | jq .nat.ipv4.mapping\n"
    "\n"
    "Two servers at different addresses are needed to tell one NAT from another, three to tell "
    "how\n"
    "it numbers its ports.\n"
    "Exit codes: 0 UDP works, 3 it does not, 1 the check itself failed, 2 not understood.";

class NetcheckCommand final : public Command {
 public:
  explicit NetcheckCommand(CLI::App& root)
      : Command(root, "netcheck", "Find out what this host's network allows, and what to change") {
    app_.footer(kNetcheckExamples);
    app_.add_option_function<std::vector<std::string>>(
            "--stun",
            [this](const std::vector<std::string>& servers) {
              for (const std::string& server : servers) add_server(server);
            },
            "Ask this STUN server, repeatable (default: the public ones that join asks)")
        ->type_name("HOST[:PORT]")
        ->allow_extra_args(false);
  }

  int run(Invocation& invocation) override {
    const std::vector<node::BootstrapHost> servers = stun_servers_of(settings_);
    if (servers.empty()) return fail(invocation, {"netcheck needs a server to ask"}, kExitUsage);
    const auto report = invocation.check_network(servers, [&](const rendezvous::NetReport& so_far) {
      invocation.err << "kadwire: " << describe_progress(so_far) << std::endl;
    });
    if (!report) return fail(invocation, {printable(report.error())});
    node::NetworkAdvice advice = node::advise(*report);
    // Of rights only to whoever could run the daemon: others run netcheck without any.
    if (may_administer_network() && !may_open_raw_sockets()) {
      advice.changes.emplace_back(
          "Grant CAP_NET_RAW: without it every packet of the tunnels passes through the daemon, "
          "and "
          "side ports against strict NATs are not to be had.");
    }
    if (json_) {
      print_json(invocation, network_json(*report, advice));
    } else {
      invocation.out << describe_network(*report, advice, invocation.colour);
    }
    return advice.udp_works ? kExitOk : kExitNoUdp;
  }

 private:
  void add_server(const std::string& text) {
    if (const auto added = add_stun_server(settings_, text); !added) {
      throw CLI::ValidationError("--stun", added.error().message);
    }
  }

  JoinSettings settings_;
};

}  // namespace

void add_netcheck(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<NetcheckCommand>(root));
}

}  // namespace kadwire::control
