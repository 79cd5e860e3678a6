#pragma once

/// What a MeshNode wants done: the only way it acts on the world. The driver carries them out.

#include <string>
#include <variant>
#include <vector>

#include "dht/directory.h"
#include "node/ports/wireguard_device.h"
#include "node/state_store.h"
#include "rendezvous/port_spray.h"
#include "rendezvous/relay_desk.h"
#include "rendezvous/upnp_request.h"

namespace kadwire::node {

/// Change the device's peers, in this order.
struct ApplyPeers {
  std::vector<PeerChange> changes;
};
/// Ask the device how its tunnels are.
struct RequestSnapshot {};
/// Give the interface exactly these addresses.
struct SetAddresses {
  std::vector<Prefix> addresses;
};
/// Save what a restart needs. `dht_port` is the driver's to fill in.
struct SaveNodeState {
  NodeState state;
};
/// Save these signed records of peers.
struct SavePeerCache {
  std::vector<Bytes> records;
};
/// Open side ports beside WireGuard's; answered by handle_side_ports().
struct OpenSidePorts {};
/// Have WireGuard send to these endpoints from these side ports, and to no others.
struct TieFlows {
  std::vector<rendezvous::FlowTie> ties;
};
/// Say this on every link of this host.
struct SendBeacon {
  Bytes beacon;
};
/// A line for the operator: "event key=value …".
struct Notice {
  enum class Level { kDebug, kInfo, kWarning };
  Level level = Level::kInfo;
  std::string text;
};

using Action = std::variant<dht::DirectoryRequest, ApplyPeers, RequestSnapshot, SetAddresses,
                            SaveNodeState, SavePeerCache, rendezvous::RelayAction,
                            rendezvous::UpnpRequest, OpenSidePorts, TieFlows, SendBeacon, Notice>;

}  // namespace kadwire::node
