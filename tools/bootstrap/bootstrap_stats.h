#pragma once

/// What an operator sees of a running kadwire-bootstrap: gauges and counters since its start.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "dht/directory.h"
#include "node/adapters/asio_datagram_socket.h"
#include "rendezvous/stun_responder.h"

namespace kadwire::tools {

struct BootstrapStats {
  std::uint64_t uptime_seconds = 0;
  dht::DirectoryStats dht;
  std::uint64_t dht_library_exceptions = 0;  ///< caught; each is a defect
  std::uint64_t dht_dropped = 0;             ///< lost to this node's own bounds
  node::DatagramCounters dht_socket;
  std::uint16_t stun_port = 0;  ///< 0: STUN is not served
  rendezvous::StunStats stun;
};

/// An object of objects: "version", "uptime_seconds", "dht", "dht_socket" and, if served, "stun".
[[nodiscard]] nlohmann::json to_json(const BootstrapStats& stats);

/// The same for people: a line for each figure, those of one part indented below its name.
[[nodiscard]] std::string render_stats(const nlohmann::json& stats);

}  // namespace kadwire::tools
