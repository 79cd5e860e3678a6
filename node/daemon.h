#pragma once

/// Composes a node from its parts and runs it until a signal: the one place where ports meet their
/// production adapters.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crypto/mesh_secret.h"
#include "node/bootstrap_host.h"
#include "rendezvous/relay_meter.h"

namespace kadwire::node {

struct DaemonOptions {
  crypto::MeshSecret secret;
  std::string interface = "kadwire0";
  std::uint16_t listen_port = 51820;      ///< WireGuard's; the next free of 100 if taken
  std::optional<std::uint16_t> dht_port;  ///< nullopt: the saved one, else ephemeral
  std::vector<BootstrapHost> bootstrap;
  std::uint32_t dht_network = 0;       ///< OpenDHT's network id
  std::filesystem::path state_folder;  ///< of this interface
  std::filesystem::path socket_path;   ///< RPC
  std::string hostname;
  std::vector<BootstrapHost> stun;          ///< asked how WireGuard's port looks from outside
  std::vector<Endpoint> static_endpoints;   ///< where this node can be reached, says the operator
  std::vector<BootstrapHost> static_names;  ///< the same by name, to be looked up
  bool punching = true;    ///< false: nothing but WireGuard uses its port; peers are only dialled
  bool introduces = true;  ///< passes calls on between members
  bool relays = true;      ///< relays between members, if it has a public address
  bool always_relays = false;  ///< with `relays`: even if it does not know that it has one
  rendezvous::RelayLimits relay_limits;  ///< for all members together
  bool relayed_only = false;             ///< uses no direct path but to relays
  bool maps_ports = true;                ///< has the gateway map WireGuard's port
  bool lan = true;                       ///< finds members on its links by multicast beacons
  bool ipv6 = true;                      ///< false: no IPv6 candidates, none dialled
  bool start_afresh = false;
  std::chrono::milliseconds clock_offset{0};  ///< added to the wall clock; for tests
};

/// Runs until SIGINT or SIGTERM. 0, or 1 after one clear line on stderr about what is wrong.
[[nodiscard]] int run_daemon(DaemonOptions options);

}  // namespace kadwire::node
