#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "node/control/answer_text.h"
#include "node/control/commands/commands.h"

namespace kadwire::control {
namespace {

constexpr const char* kPeersExamples =
    "Examples:\n"
    "  sudo kadwire peers list\n"
    "  sudo kadwire peers get alpha            by hostname\n"
    "  sudo kadwire peers get ce2mqx           by the beginning of its NodeId\n"
    "  sudo kadwire peers count --json";

WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

class PeersListCommand final : public Command {
 public:
  explicit PeersListCommand(CLI::App& peers)
      : Command(peers, "list", "List the other nodes of the mesh"), daemon_(app_) {}

  int run(Invocation& invocation) override {
    const auto list = daemon_.call(invocation, "peers.list", nlohmann::json::object());
    if (!list) return fail(invocation, list.error());
    if (json_) {
      print_json(invocation, *list);
    } else {
      invocation.out << describe_peers(*list, wall_now(), invocation.colour);
    }
    return kExitOk;
  }

 private:
  DaemonChoice daemon_;
};

class PeersGetCommand final : public Command {
 public:
  explicit PeersGetCommand(CLI::App& peers)
      : Command(peers, "get", "Show all about one peer"), daemon_(app_) {
    app_.add_option("node", node_, "NodeId in either form, its beginning, or a hostname")
        ->type_name("PEER");
  }

  int run(Invocation& invocation) override {
    if (!node_) return fail(invocation, {"peers get needs a NodeId or a hostname"}, kExitUsage);
    const auto peer = daemon_.call(invocation, "peers.get", {{"node", *node_}});
    if (!peer) return fail(invocation, peer.error());
    if (json_) {
      print_json(invocation, *peer);
    } else {
      invocation.out << describe_peer(*peer, wall_now());
    }
    return kExitOk;
  }

 private:
  DaemonChoice daemon_;
  std::optional<std::string> node_;
};

class PeersCountCommand final : public Command {
 public:
  explicit PeersCountCommand(CLI::App& peers)
      : Command(peers, "count", "Count peers by the state of their path"), daemon_(app_) {}

  int run(Invocation& invocation) override {
    const auto count = daemon_.call(invocation, "peers.count", nlohmann::json::object());
    if (!count) return fail(invocation, count.error());
    if (json_) {
      print_json(invocation, *count);
    } else {
      invocation.out << describe_count(*count);
    }
    return kExitOk;
  }

 private:
  DaemonChoice daemon_;
};

}  // namespace

void add_peers(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  CLI::App& peers = *root.add_subcommand("peers", "The other nodes: list, get, count");
  peers.footer(kPeersExamples);
  peers.allow_extras();
  commands.push_back(std::make_unique<PeersListCommand>(peers));
  commands.push_back(std::make_unique<PeersGetCommand>(peers));
  commands.push_back(std::make_unique<PeersCountCommand>(peers));
}

}  // namespace kadwire::control
