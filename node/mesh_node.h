#pragma once

/// One mesh node as a whole, sans-IO: inputs in, actions out. It routes between its parts and
/// decides nothing that one of them could:
///   listener ─records─▶ peer_table ─rows─▶ data_plane (tunnels, reconciler) ─▶ ApplyPeers
///   network, lease ─▶ own_record ─▶ announcer
///   lan_beacon ─records─▶ peer_table
///   peer_table ─members without a path─▶ mailbox_desk ─who called─▶ peer_table, agent
///   peer_table ─peers─▶ agent (calls, punching, path choice) ─paths─▶ data_plane
///   nat_observer (what others see), port_mapping (what the gateway maps) ─candidates─▶ own_record
/// The same object runs in production and in simulation.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/key_schedule.h"
#include "dht/announcer.h"
#include "dht/listener.h"
#include "node/action.h"
#include "node/data_plane.h"
#include "node/keepalive_pace.h"
#include "node/mailbox_desk.h"
#include "node/membership/farewells.h"
#include "node/membership/lan_beacon.h"
#include "node/node_view.h"
#include "node/own_record.h"
#include "node/peer_story.h"
#include "node/peer_table.h"
#include "node/ports/network_monitor.h"
#include "rendezvous/agent.h"
#include "rendezvous/nat_observer.h"
#include "rendezvous/port_mapping.h"

namespace kadwire::node {

/// A node that hears of nobody for this long asks whether a clock is wrong.
inline constexpr Duration kAloneMax = 60s;
/// Peers met this soon after a restart may still believe in sessions from before it.
inline constexpr Duration kResumeWindow = 60s;
/// A change of the peer cache is saved after this, and not again for a while. Before a tunnel
/// stands: a daemon that is killed then, and comes back without knowing the peer, would take its
/// tunnel away.
inline constexpr Duration kCacheSaveDelay = 100ms;
inline constexpr Duration kCacheSaveSpacing = 15s;
/// A newcomer whose tunnel does not stand by then may not have found our record: the DHT changed
/// since it was put. It is put again, then after twice as long each time, up to the last.
inline constexpr Duration kMissedFirst = 2s;
inline constexpr Duration kMissedLast = 32s;
/// A record from the future is complained of for so long: a living member signs another within
/// kRecordRenewal, and again and again.
inline constexpr Duration kFutureRecordMemory = 2h;
/// How often expiry is looked at.
inline constexpr Duration kSweep = 60s;

struct MeshNodeConfig {
  std::string hostname;
  Prefix ipv4_network;  ///< of the mesh, host bits zero
  Prefix ipv6_network;
  std::uint16_t listen_port = 0;   ///< WireGuard's
  bool use_ipv6 = true;            ///< as a way to reach peers; mesh IPv6 is always there
  bool identity_restored = false;  ///< this identity has run before
  bool device_adopted = false;     ///< its tunnels stand already
  bool announces = true;           ///< false: finds others and is found by none
  bool frames = false;             ///< there is a WireguardPort: calls, punching, path choice
  bool relays = false;             ///< there are RelayPorts: relays for others if it can be reached
  bool always_relays = false;      ///< with them: offers to even if nobody knows that it can be
  bool relayed_only = false;       ///< uses no direct path but to relays; relays for nobody itself
  bool side_ports = false;         ///< that port may open side ports
  bool introduces = true;          ///< passes calls on for others
  bool finds_lifetime = false;  ///< with frames: there is a socket to try the own NAT's memory by
  bool maps_ports = false;      ///< there is a socket towards gateways: has one map the port
  bool mailbox = true;          ///< with frames: calls and is called through DHT mailboxes too
  bool lan = false;             ///< there is a LanPort: finds and is found on its links
  std::vector<Endpoint> static_endpoints;  ///< where the operator says this node can be reached
  NodeState state;                         ///< from the last run, or zeroes
  std::vector<Bytes> cached_records;
};

class MeshNode {
 public:
  /// `keys`, `identity` and `random` outlive the node.
  MeshNode(MeshNodeConfig config, const crypto::KeySchedule& keys,
           const crypto::NodeIdentity& identity, RandomSource& random, Now now);

  void handle_network(Now now, const NetworkState& network);
  /// The host runs again after it was suspended for so long.
  void handle_resume(Now now, Duration asleep);
  void handle_directory_event(Now now, const dht::DirectoryEvent& event);
  void handle_device_event(Now now, const DeviceEvent& event);
  /// Whom to ask how WireGuard's port looks from outside.
  void set_stun_servers(Now now, std::span<const Endpoint> servers);
  /// What `name` (HOST:PORT), at which the operator says that this node can be reached, stands for
  /// now: what it resolved to, or did before `problem` (a sentence; empty: none) was in the way.
  void set_static_name(Now now, const std::string& name, std::span<const Endpoint> resolved,
                       const std::string& problem);
  /// What arrived on WireGuard's port, or on a side port, and is not WireGuard's.
  void handle_datagram(Now now, const Endpoint& from, std::uint16_t to_port, ByteView datagram);
  /// The first of the side ports that OpenSidePorts led to, or why there are none.
  void handle_side_ports(Now now, const tl::expected<std::uint16_t, std::string>& opened);
  /// What arrived on the socket whose mapping is left alone.
  void handle_lifetime_datagram(Now now, const Endpoint& from, ByteView datagram);
  /// What arrived on the socket towards gateways.
  void handle_gateway_datagram(Now now, const Endpoint& from, ByteView datagram);
  void handle_upnp(Now now, const rendezvous::UpnpResult& result);
  /// What came in on one of this host's links, by multicast.
  void handle_beacon(Now now, ByteView datagram);
  /// What RelayPorts have to say.
  void handle_relay_bind(Now now, rendezvous::RelayId id, const Endpoint& from, ByteView frame);
  void handle_relay_port(Now now, rendezvous::RelayId id, std::uint16_t port);
  void handle_relay_idle(Now now, rendezvous::RelayId id);
  /// How busy they are; cheap, and to be said whenever anything happens.
  void set_relay_traffic(Now now, const rendezvous::RelayTraffic& traffic);
  void handle_timeout(Now now);
  /// Withdraws the record and gives the port mapping back. Poll on until departed() or patience
  /// ends.
  void leave(Now now);
  /// True once the gateway holds nothing and the withdrawal was accepted, or there is nobody to
  /// tell.
  [[nodiscard]] bool departed() const;

  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<Action> poll_action();
  /// What is to leave from WireGuard's port, once all actions have been carried out.
  [[nodiscard]] std::optional<PortTransmit> poll_transmit();
  /// What is to leave from the socket whose mapping is left alone.
  [[nodiscard]] std::optional<Transmit> poll_lifetime_transmit();
  /// What is to leave from the socket towards gateways.
  [[nodiscard]] std::optional<Transmit> poll_gateway_transmit();

  /// By where WireGuard sends, which may still, or again, be another place than what was chosen.
  [[nodiscard]] PathKind path(const crypto::NodeId& node) const;
  /// The parts of the view that this object knows; the driver adds the rest.
  [[nodiscard]] NodeView view(Now now) const;
  /// What became of paths since the start; cheap.
  [[nodiscard]] rendezvous::PathTally paths() const;
  /// The tables that others can fill; cheap.
  [[nodiscard]] std::vector<TableFill> tables() const;
  /// Sorted by hostname, then NodeId.
  [[nodiscard]] std::vector<PeerView> peer_views(Now now) const;
  // See node_inspector.h. The driver adds the problems.
  [[nodiscard]] std::optional<PeerStory> peer_story(Now now, const crypto::NodeId& node) const;
  bool probe_paths(Now now, const crypto::NodeId& node);
  [[nodiscard]] std::vector<PathView> path_views(Now now, const crypto::NodeId& node) const;

 private:
  struct MappingSite {
    std::vector<IpAddress> gateways;
    std::vector<rendezvous::LocalAddress> own;
    std::uint16_t port = 0;
    bool operator==(const MappingSite&) const = default;
  };

  void receive_records(Now now);
  bool receive(Now now, Bytes encoded, Source source, bool outside_hours);
  bool accept(Now now, rendezvous::SignedRecord record, Source source);
  void on_own_record(Now now, const rendezvous::SignedRecord& record);
  void on_wrong_clock(Now now, const rendezvous::PeerRecord& record);
  void on_future_record(Now now, const rendezvous::PeerRecord& record);
  bool on_verdict(Now now, PeerTable::Verdict verdict, const rendezvous::PeerRecord& record);
  void choose_addresses();
  /// True if the record must be published again.
  [[nodiscard]] bool choose_candidates();
  [[nodiscard]] std::vector<rendezvous::Candidate> static_candidates() const;
  void check_ipv4_overlap(const NetworkState& network);
  void settle_leases(Now now);
  void move_lease(Now now);
  void refresh_candidates(Now now, PeerRow& row);
  void publish(Now now);
  [[nodiscard]] bool alone() const;
  void watch_clock(Now now);
  void watch_newcomers(Now now);
  void sweep(Now now);
  void save_cache(Now now);
  // mesh_node_paths.cpp
  void start_beside_wireguard(Now now);
  [[nodiscard]] bool doubts_farewell(Now now, const rendezvous::SignedRecord& record);
  void follow_farewells(Now now);
  [[nodiscard]] bool answers_question(Now now, const Endpoint& from, ByteView datagram);
  void follow_agent(Now now);
  void look_for_new_candidates(Now now);
  void follow_mailbox(Now now);
  void watch_mailboxes(Now now);
  [[nodiscard]] bool can_be_called() const;
  // mesh_node_lan.cpp
  void on_neighbour(Now now, const crypto::NodeId& node);
  void follow_lan(Now now);
  void say_on_lan(Now now, const Bytes& farewell);
  [[nodiscard]] bool lacks_path(const crypto::NodeId& node) const;
  [[nodiscard]] bool can_relay() const;
  [[nodiscard]] bool offers_relay() const;
  void on_agent_event(Now now, rendezvous::AgentEvent event);
  void tell_traffic(Now now);
  [[nodiscard]] bool is_guided(const PeerRow& row) const;
  [[nodiscard]] std::optional<crypto::NodeId> relay_towards(const PeerRow& row) const;
  // mesh_node_keepalive.cpp
  void start_pace(Now now);
  void follow_pace(Now now);
  void tell_pace_of_externals(Now now);
  // mesh_node_mapping.cpp
  [[nodiscard]] rendezvous::MappingSecret mapping_secret() const;
  void start_mapping(Now now);
  void follow_mapping(Now now);
  [[nodiscard]] std::vector<rendezvous::Candidate> mapped_candidates() const;
  [[nodiscard]] bool leads_nowhere() const;
  [[nodiscard]] std::optional<PortMappingView> port_mapping_view(Now now) const;
  // mesh_node_view.cpp
  void tell_session(Now now, const rendezvous::PunchSession& session, PeerStory& story) const;
  [[nodiscard]] std::string name_of(ByteView beginning) const;
  [[nodiscard]] std::vector<std::string> problems() const;
  void notice(Notice::Level level, std::string text);
  [[nodiscard]] std::vector<Prefix> mesh_networks() const;
  [[nodiscard]] std::vector<rendezvous::LocalAddress> usable_addresses() const;
  [[nodiscard]] Tunnel new_tunnel(Now now, const crypto::NodeId& node) const;

  MeshNodeConfig config_;
  const crypto::KeySchedule& keys_;
  const crypto::NodeIdentity& identity_;
  RandomSource& random_;
  dht::OperationIds operations_;
  dht::Announcer announcer_;
  dht::Listener listener_;
  PeerTable peers_;
  DataPlane data_plane_;
  // Both or neither: nothing can travel beside WireGuard.
  std::optional<rendezvous::Agent> agent_;
  std::optional<rendezvous::NatObserver> nat_;
  rendezvous::RelayTraffic relay_traffic_;
  std::optional<KeepalivePace> pace_;   ///< only with them
  Farewells farewells_;                 ///< of peers that have a session with the agent
  std::optional<MailboxDesk> mailbox_;  ///< only with an agent
  std::optional<LanBeacon> lan_;
  /// The addresses and the port whose mappings `nat_` looks for.
  std::pair<std::vector<rendezvous::LocalAddress>, std::uint16_t> observed_;
  std::optional<rendezvous::PortMapping> mapping_;  ///< nullopt: not wanted
  /// What `mapping_` was last told of the network, IPv4 alone: other changes renew nothing.
  std::optional<MappingSite> mapping_site_;
  OwnRecord own_;
  NetworkState network_;
  std::vector<Prefix> addresses_;  ///< of the interface, as last set
  bool ipv4_usable_ = true;        ///< the mesh's range overlaps no local route
  bool ipv4_exhausted_ = false;
  bool network_known_ = false;
  bool connected_ = false;  ///< the DHT answers
  bool leaving_ = false;
  TimePoint started_;
  TimePoint next_sweep_;
  TimePoint next_record_renewal_;
  std::optional<TimePoint> clock_check_;   ///< when to ask the neighbouring hours
  bool clock_checked_ = false;             ///< they were asked: once a run
  std::optional<TimePoint> missed_check_;  ///< when to look whether newcomers found us
  Duration missed_pause_ = kMissedFirst;
  std::optional<TimePoint> cache_save_;
  TimePoint cache_saved_;
  std::optional<std::string> clock_problem_, overlap_problem_;
  struct FutureRecord {
    crypto::NodeId node;
    std::uint64_t sequence = 0;
    TimePoint seen;
    std::string problem;
  };
  struct StaticName {
    std::vector<Endpoint> endpoints;
    std::string problem;  ///< empty: all well
  };
  std::map<std::string, StaticName> static_names_;  ///< by name, as the operator wrote it
  std::optional<FutureRecord> future_record_;       ///< the last one that was refused
  std::deque<Action> actions_;
};

}  // namespace kadwire::node
