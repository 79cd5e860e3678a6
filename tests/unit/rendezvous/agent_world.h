#pragma once

/// Agents on a small internet in virtual time: 20 ms each way, sources as they are, and for hosts
/// behind a filter only answers come in (address- and port-dependent filtering, no translation), or
/// they have a NAT whose ports are random or follow in a row. A test sees each packet before it
/// travels, may change, drop or delay it, and may make up its own. An agent that goes round in a
/// circle ends its test by an exception.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "rendezvous/agent.h"
#include "tests/support/made_up.h"
#include "tests/support/step_bound.h"
#include "tests/support/test_mesh.h"

namespace kadwire::rendezvous::testing {

inline constexpr Duration kLatency = 20ms;
inline constexpr Duration kRoundTrip = 2 * kLatency;

using kadwire::testing::endpoint;

struct Packet {
  Endpoint from, to;
  Bytes payload;
};

/// What becomes of a packet.
struct Fate {
  bool dropped = false;
  Duration latency = kLatency;
};

/// A NAT that gives each destination another port.
[[nodiscard]] NatBehavior varying_nat(bool random, std::optional<std::int16_t> step = std::nullopt);

class AgentWorld;

/// Gives each destination of each port a port of its own, a random one or the next in a row, and
/// lets in only answers. IPv4.
class VaryingNat {
 public:
  /// `newest`: ports follow in a row, from the one after this.
  VaryingNat(const IpAddress& outside, RandomSource& random,
             std::optional<std::uint16_t> newest = std::nullopt)
      : outside_(outside), random_(random), newest_(newest) {}
  [[nodiscard]] const IpAddress& outside() const { return outside_; }
  [[nodiscard]] Endpoint leave(const Endpoint& inside, const Endpoint& to);
  /// The port inside; nullopt: it is no answer.
  [[nodiscard]] std::optional<std::uint16_t> enter(const Endpoint& from, std::uint16_t port) const;
  /// All mappings are forgotten, and ports in a row begin elsewhere.
  void reboot(std::uint16_t newest);
  /// Other hosts behind it have taken the ports up to this one.
  void skip_to(std::uint16_t newest) { newest_ = newest; }

 private:
  using Flow = std::pair<std::uint16_t, Endpoint>;  ///< port inside, and the other end
  IpAddress outside_;
  RandomSource& random_;
  std::optional<std::uint16_t> newest_;
  std::map<Flow, std::uint16_t> ports_;
  std::map<std::uint16_t, Flow> flows_;
};

/// A host with one agent.
class Member {
 public:
  Member(AgentWorld& world, std::vector<Endpoint> endpoints, AgentOptions options);

  /// Signs a record with the candidates as they are and tells the agent.
  void publish();
  /// The process ends and comes again; the identity stays.
  void restart();
  void meet(Member& other);
  [[nodiscard]] const crypto::NodeId& id() const { return identity.node_id(); }
  [[nodiscard]] bool reaches(const Member& other) const;
  [[nodiscard]] std::optional<ChosenPath> path_to(const Member& other) const;
  /// The addresses and what else the network monitor would say.
  void tell_network();

  AgentWorld& world;
  crypto::NodeIdentity identity;
  std::vector<Endpoint> endpoints;  ///< its own, at most one for each family
  std::vector<Endpoint> claims;     ///< in its record besides
  AgentOptions options;
  bool filtered = false;  ///< only answers come in
  bool admits = true;     ///< whoever calls becomes a peer
  bool offers_relay = false;
  std::optional<VaryingNat> nat;        ///< before its first endpoint
  std::optional<NatBehavior> behavior;  ///< as its record and its agent have it
  std::uint16_t side_ports = 61'000;    ///< the first it gets when it asks; 0: none
  std::vector<FlowTie> ties;
  std::size_t side_ports_wanted = 0;  ///< how often it asked
  std::unique_ptr<Agent> agent;
  SignedRecord record;
  std::vector<PathChanged> changes;
  std::vector<SeenByPeer> seen;
  std::size_t records = 0;  ///< received
  std::size_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;

 private:
  friend class AgentWorld;
  void start();
  std::set<std::pair<Endpoint, Endpoint>> opened_;  ///< own and other's
  std::map<crypto::NodeId, std::uint64_t> admitted_;
};

class AgentWorld {
 public:
  explicit AgentWorld(std::uint64_t seed = 1) : mesh(seed) {}
  Member& add(std::string_view endpoints, AgentOptions options = {});

  void run_for(Duration duration);
  /// True as soon as `condition` holds; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  /// Hands a datagram to a member past its filter.
  void deliver(Member& to, const Endpoint& from, ByteView payload, std::uint16_t side_port = 0);
  [[nodiscard]] Now now() const { return {steady_, wall_at(steady_)}; }
  [[nodiscard]] Member* owner_of(const Endpoint& endpoint);
  /// A packet on its way, from wherever it says.
  void post(Packet packet);
  /// Takes what agents want done; called after each input that a test gives by itself.
  void settle();
  [[nodiscard]] std::size_t open_relay_ports() const { return relay_ports_.size(); }
  /// Packets sent to endpoints that nobody has.
  [[nodiscard]] std::size_t lost_to(const Endpoint& endpoint) { return nowhere_[endpoint]; }

  kadwire::testing::TestMesh mesh;
  std::function<Fate(Packet&)> fate = [](Packet&) { return Fate{}; };
  /// Endpoints that are no member's, and what happens there.
  std::map<Endpoint, std::function<void(const Packet&)>> others;
  std::vector<Packet> sent;  ///< all packets, if `records` is set
  bool records = false;

 private:
  struct RelayPort {
    Member* relay = nullptr;
    RelayId id = 0;
    Endpoint a, b;
  };
  [[nodiscard]] static WallTime wall_at(TimePoint steady);
  void settle(Member& member);
  void note(Member& member, const AgentEvent& event);
  void act(Member& relay, const RelayAction& action);
  void send(Member& from, const PortTransmit& transmit);
  void arrive(const Packet& packet);
  [[nodiscard]] bool arrive_at_nat(const Packet& packet);
  void arrive_at_relay(RelayPort& port, const Packet& packet);
  bool step(TimePoint end);

  TimePoint steady_{1h};
  kadwire::testing::StepBound steps_;
  std::vector<std::unique_ptr<Member>> members_;
  std::multimap<TimePoint, Packet> travelling_;
  std::map<Endpoint, RelayPort> relay_ports_;
  std::map<Endpoint, std::size_t> nowhere_;
};

}  // namespace kadwire::rendezvous::testing
