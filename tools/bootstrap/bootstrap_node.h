#pragma once

/// The bootstrap node as one piece: a guarded DHT node and, if asked, a STUN responder, run against
/// ports. It takes part in no mesh. Not here: command line, names, files (bootstrap_daemon).

#include <functional>
#include <span>

#include "dht/directory.h"
#include "node/ports/datagram_socket.h"
#include "node/ports/scheduler.h"
#include "node/ports/stun_port.h"
#include "rendezvous/stun_responder.h"

namespace kadwire::tools {

/// The routing table is saved this often: what a crash may cost is then a cold start.
inline constexpr Duration kSaveInterval = 2min;

/// All outlive the node.
struct BootstrapPorts {
  node::Scheduler& scheduler;
  dht::Directory& directory;
  node::DatagramSocket& dht_socket;
  node::StunPort* stun = nullptr;  ///< nullptr: no STUN
};

class BootstrapNode {
 public:
  /// Keeps known nodes for the next start; never called with none, so an outage empties nothing.
  using Keeper = std::function<void(std::span<const dht::KnownNode>)>;
  /// Told of each change: whether any other DHT node answers.
  using ConnectivityHandler = std::function<void(bool connected)>;

  BootstrapNode(BootstrapPorts ports, Keeper keeper, ConnectivityHandler on_connectivity);
  void start();
  void set_bootstrap(std::span<const Endpoint> endpoints);
  void save();

  [[nodiscard]] const rendezvous::StunStats& stun_stats() const { return stun_.stats(); }

 private:
  void on_wake();
  void pump();
  void schedule();

  BootstrapPorts ports_;
  Keeper keeper_;
  ConnectivityHandler on_connectivity_;
  rendezvous::StunResponder stun_;
  TimePoint next_save_;
};

}  // namespace kadwire::tools
