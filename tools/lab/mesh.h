#pragma once

/// kadwire in the lab: a bootstrap host, which answers STUN, too, and members that run the real
/// `kadwire join` with its production paths, behind NATs if asked. Not here: measuring
/// (mesh_pings.h), scenarios (scenarios.h).

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/base/endpoint.h"
#include "tools/lab/gateway.h"
#include "tools/lab/host.h"
#include "tools/lab/lab.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/proc_stats.h"

namespace kadwire::lab {

/// Where the bootstrap host's DHT node listens.
inline constexpr std::uint16_t kBootstrapPort = 4222;
/// The interface of every member.
inline constexpr const char* kMeshInterface = "kadwire0";

struct MemberOptions {
  HostOptions host{};
  std::vector<std::string> arguments{};  ///< more of `kadwire join`
  std::string secret{};                  ///< empty: the mesh's
  /// Runs the daemon, with its program and arguments added: "setpriv" and what it is to take away.
  std::vector<std::string> runner{};
  /// What stands before it; decides on the host's families. nullptr: nothing.
  const Surroundings* surroundings = nullptr;
};

/// What a member says of itself.
struct MeshAddresses {
  std::string node;               ///< NodeId, 64 hexadecimal digits
  std::optional<IpAddress> ipv4;  ///< nullopt: it has no lease
  IpAddress ipv6;
  bool operator==(const MeshAddresses&) const = default;
};

/// The bootstrap host's second IPv4 address: whether a NAT maps each destination for itself can
/// only be told with two.
inline constexpr const char* kSecondStunAddress = "198.18.1.3";

/// A member's two programs; zeroes for one that does not run.
struct MemberUsage {
  ProcessUsage daemon;
  ProcessUsage data_plane;  ///< wireguard-go
};

/// A host and the `kadwire join` that runs in it, or not.
class Member {
 public:
  Member(Place place, std::vector<std::string> runner, std::vector<std::string> arguments);

  [[nodiscard]] Host& host() const { return host_; }
  /// What it is behind, from the internet inwards.
  [[nodiscard]] const std::vector<std::unique_ptr<Gateway>>& gateways() const { return gateways_; }
  [[nodiscard]] const std::string& name() const { return host_.name(); }
  /// Starts the daemon; it must not run. `more` arguments are for this start alone.
  [[nodiscard]] Expected<void> start(const std::vector<std::string>& more = {});
  /// SIGKILL to the daemon alone: its wireguard-go lives on, as after a crash.
  void crash();
  /// SIGKILL to the daemon and to its wireguard-go: as after a power cut.
  void crash_whole();
  /// SIGSTOP to both, until `wake`: a machine asleep, but for its clocks, which go on, and its
  /// kernel, which keeps what arrives.
  void sleep();
  void wake();
  /// SIGTERM, and up to 5 s of patience. The exit code.
  int stop();
  [[nodiscard]] bool running() { return process_ && process_->running(); }
  /// The last one started.
  [[nodiscard]] Process& process() { return *process_; }
  /// What the last one started has written so far.
  [[nodiscard]] std::string log() const;

  /// Asks the daemon; see node/control for methods and fields.
  [[nodiscard]] Expected<nlohmann::json> call(
      const std::string& method, const nlohmann::json& params = nlohmann::json::object()) const;
  /// nullopt while the daemon does not answer.
  [[nodiscard]] std::optional<MeshAddresses> addresses() const;
  /// "direct", "relayed", "connecting" or "none": what the daemon says of its path to that NodeId;
  /// empty while it knows no such peer, or does not answer.
  [[nodiscard]] std::string path_to(const std::string& node) const;
  /// Where its WireGuard sends what is for that NodeId; empty as above.
  [[nodiscard]] std::string endpoint_of(const std::string& node) const;
  /// Whether a node of the DHT has answered; false while the daemon does not.
  [[nodiscard]] bool in_dht() const;
  /// Nodes of the DHT that have answered it lately.
  [[nodiscard]] std::size_t dht_neighbours() const;
  /// Pairs of others that it relays for; 0 while the daemon does not answer.
  [[nodiscard]] std::size_t pairs_relayed() const;
  /// Peers with a standing tunnel; 0 while the daemon does not answer.
  [[nodiscard]] std::size_t peers_active() const;
  [[nodiscard]] MemberUsage usage() const;
  /// What the daemon complains of.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  [[nodiscard]] std::string text_of_peer(const std::string& node, const char* field) const;
  Host& host_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::vector<std::string> runner_, arguments_;
  std::unique_ptr<Process> process_;
  std::size_t log_begin_ = 0;  ///< earlier daemons wrote what is before it
};

class Mesh {
 public:
  /// Adds the bootstrap host, whose cable adds no delay, and starts nothing. `lab` must outlive it.
  [[nodiscard]] static Expected<std::unique_ptr<Mesh>> create(Lab& lab);

  /// Starts kadwire-bootstrap and waits until it listens.
  [[nodiscard]] Expected<void> start_bootstrap();
  /// Kills it, as when its host goes down.
  void stop_bootstrap();

  /// Builds a host for a member, which it starts not yet. Lives as long as the mesh.
  [[nodiscard]] Expected<Member*> add_member(MemberOptions options);
  [[nodiscard]] const std::vector<std::unique_ptr<Member>>& members() const { return members_; }
  [[nodiscard]] Host& bootstrap_host() { return bootstrap_host_; }

 private:
  Mesh(Lab& lab, Host& bootstrap_host);
  Lab& lab_;
  Host& bootstrap_host_;
  std::string secret_;
  std::unique_ptr<Process> bootstrap_;
  std::vector<std::unique_ptr<Member>> members_;
};

/// A fresh `kadwire://` URI.
[[nodiscard]] std::string random_secret();

}  // namespace kadwire::lab
