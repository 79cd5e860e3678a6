#pragma once

/// What a running node shows of itself: plain values for status, RPC and metrics. Read-only copies.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/node_identity.h"
#include "dht/directory.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "node/ports/relay_ports.h"
#include "rendezvous/lifetime_watch.h"
#include "rendezvous/nat_behavior.h"
#include "rendezvous/path_tally.h"

namespace kadwire::node {

/// How packets to a peer travel now.
enum class PathKind {
  kNone,        ///< known, no tunnel and no attempt: nothing to dial
  kConnecting,  ///< an attempt is under way
  kDirect,      ///< a tunnel stands
  kRelayed,     ///< a tunnel stands, through another member that sees ciphertext only
};
[[nodiscard]] std::string_view to_text(PathKind path);  // "none", "connecting", "direct", "relayed"

struct PeerView {
  crypto::NodeId node;
  crypto::WireguardKey wireguard_key;
  std::string hostname;
  std::optional<IpAddress> ipv4;  ///< nullopt: no lease, or lost to a conflict
  IpAddress ipv6;
  std::optional<Endpoint> endpoint;  ///< WireGuard's, where traffic goes now
  PathKind path = PathKind::kNone;
  std::optional<WallTime> last_handshake;
  std::optional<WallTime> last_seen;  ///< the later of its record's arrival and data
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::vector<std::string> discovered_via;  ///< "dht", "lan", "member", "cache"
};

/// What a gateway maps to WireGuard's port.
struct PortMappingView {
  std::string protocol;              ///< "PCP", "NAT-PMP", "UPnP"
  std::optional<Endpoint> external;  ///< as the gateway says; nullopt: it does not say
  std::chrono::seconds lease{0};     ///< what is left of it
  /// False: no other reaches it, because the gateway's address is not public or not ours outside.
  bool announced = false;
};

/// What is known of the NAT or firewall before WireGuard's port, in one family.
struct NatView {
  rendezvous::NatBehavior behavior;
  rendezvous::FilteringBehavior filtering = rendezvous::FilteringBehavior::kUnknown;
  rendezvous::BindingLifetime lifetime;
};

/// What this node does for others as a relay.
struct RelayView {
  bool offered = false;   ///< in its record
  std::size_t pairs = 0;  ///< that have a port now
  std::uint8_t load = 0;  ///< hundredths, as it says to who asks
  rendezvous::RelayTraffic busy;
  rendezvous::RelayDeskCounters requests;
  RelayCounters traffic;
};

/// How full a table is, and how full it may be.
struct TableFill {
  std::string_view table;
  std::size_t size = 0;
  std::size_t bound = 0;
};

struct NodeView {
  crypto::NodeId node;
  crypto::WireguardKey wireguard_key;
  std::string mesh_id;       ///< 12 hex digits
  std::string topic_prefix;  ///< 16 hex digits of the current topic
  std::string interface;
  std::string hostname;
  std::optional<IpAddress> ipv4;
  IpAddress ipv6;
  std::string ipv4_network, ipv6_network;  ///< CIDR
  std::uint16_t listen_port = 0;
  std::uint16_t dht_port = 0;
  std::vector<Endpoint> candidates;             ///< own, as published
  bool relayed_only = false;                    ///< the operator wants no direct paths
  std::optional<PortMappingView> port_mapping;  ///< nullopt: there is none
  NatView nat_ipv4, nat_ipv6;
  std::chrono::seconds keepalive{0};  ///< this side of a tunnel is silent for so long at most
  std::optional<RelayView> relay;     ///< nullopt: relays for nobody
  std::chrono::seconds uptime{0};
  dht::DirectoryStats dht;
  rendezvous::PathTally paths;        ///< to all peers, since the start
  std::vector<std::string> problems;  ///< one plain sentence each; empty: all well
  std::size_t peers_total = 0;
  std::size_t peers_active = 0;  ///< with a standing tunnel
};

}  // namespace kadwire::node
