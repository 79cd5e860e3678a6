#pragma once

/// WireGuard's peers as WireGuard sees them when the daemon carries its datagrams: each endpoint of
/// the outer world is a UDP port of its own on loopback.
///
///   wire ─▶ deliver(from) ─▶ from's loopback port ─▶ 127.0.0.1:WireGuard's port
///   WireGuard ─▶ an endpoint's loopback port ─▶ Outlet ─▶ wire
///
/// Datagrams from strangers make flows too, because a peer may roam: so many of those as
/// kStrangerFlowsMax, at kStrangerFlowRate. Takes a descriptor for each flow.

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "crypto/node_identity.h"
#include "node/base/endpoint.h"
#include "node/ports/scheduler.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::node {

/// Flows that no peer uses; the one idle for longest makes room.
inline constexpr std::size_t kStrangerFlowsMax = 64;
/// A flow costs a socket. Peers move rarely, and some at once; sources can be forged.
inline constexpr rendezvous::Rate kStrangerFlowRate{20, 64};

struct LoopbackFlowCounters {
  std::uint64_t in = 0, out = 0;  ///< datagrams to and from WireGuard
  std::uint64_t refused = 0;      ///< from strangers beyond the rate, or before WireGuard listens
  std::uint64_t failed = 0;       ///< no descriptor, full buffer
};

class LoopbackFlows {
 public:
  /// Sends a datagram of WireGuard's on. The view is valid during the call only.
  using Outlet = std::function<void(const Endpoint& to, ByteView datagram)>;

  /// `context` and `scheduler`, of which only the time is asked, outlive this object; everything
  /// happens on the context's one thread.
  LoopbackFlows(asio::io_context& context, const Scheduler& scheduler, Outlet outlet);
  LoopbackFlows(const LoopbackFlows&) = delete;
  LoopbackFlows& operator=(const LoopbackFlows&) = delete;
  ~LoopbackFlows();

  /// Where WireGuard listens; 0: nowhere yet, and what comes for it is dropped.
  void set_wireguard_port(std::uint16_t port) { wireguard_port_ = port; }
  /// What arrived from there and looks like WireGuard's.
  void deliver(const Endpoint& from, ByteView datagram);
  /// What WireGuard is to be told instead of this peer's endpoint, whose flow then stays as long as
  /// the peer uses it; nullopt: the system gives no socket.
  [[nodiscard]] std::optional<Endpoint> inside(const crypto::WireguardKey& peer,
                                               const Endpoint& outside);
  /// The endpoint behind what WireGuard says of a peer, whose flow then stays. Any that is not on
  /// loopback is returned as it is; nullopt: a flow of an earlier run.
  [[nodiscard]] std::optional<Endpoint> outside(const crypto::WireguardKey& peer,
                                                const Endpoint& inside);
  void forget(const crypto::WireguardKey& peer) { used_.erase(peer); }
  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  [[nodiscard]] const LoopbackFlowCounters& counters() const { return counters_; }

 private:
  struct Flow;
  using Flows = std::map<Endpoint, std::shared_ptr<Flow>>;
  /// nullptr: the system gives no socket.
  Flow* find_or_open(const Endpoint& outside);
  bool receive_one(Flow& flow);
  void make_room();
  [[nodiscard]] bool may_open();

  asio::io_context& context_;
  const Scheduler& scheduler_;
  Outlet outlet_;
  std::uint16_t wireguard_port_ = 0;
  Flows flows_;  ///< each shared with its receive loop, which ends when it is closed
  std::map<crypto::WireguardKey, Endpoint> used_;
  rendezvous::TokenBucket strangers_;
  LoopbackFlowCounters counters_;
};

}  // namespace kadwire::node
