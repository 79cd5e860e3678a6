#pragma once

/// PORT: UDP ports, one for each pair of members that this node relays between. Datagrams of a
/// pair's two ends are passed on unread; only binds (frames of type kBind, rendezvous/frame.h) come
/// up, and none is ever passed on: what proves an end cannot come through a relay.

#include <cstdint>
#include <functional>

#include "node/base/endpoint.h"
#include "rendezvous/relay_desk.h"

namespace kadwire::node {

/// A pair that nothing was forwarded for so long has another path, or is gone: WireGuard's
/// keepalives come more often.
inline constexpr Duration kRelayIdle = 2min;

/// An end that was not heard for so long gets nothing more until it is: whoever has the address now
/// did not ask for it. Keepalives come at least each two minutes, and one of them may be lost.
inline constexpr Duration kRelayEndSilence = 5min;

/// Since the start; in packets, if nothing else is said.
struct RelayCounters {
  std::uint64_t forwarded = 0, forwarded_bytes = 0;
  std::uint64_t binds = 0;      ///< given to the handler
  std::uint64_t foreign = 0;    ///< from neither end
  std::uint64_t unheard = 0;    ///< for an end that was silent for kRelayEndSilence
  std::uint64_t too_large = 0;  ///< larger than any datagram of WireGuard's
  std::uint64_t over_rate = 0;  ///< beyond the rate or the quota of all pairs together
  std::uint64_t binds_over_rate = 0;
  /// No route, no such family, a full buffer, or refused by the host's firewall.
  std::uint64_t send_failed = 0;
  std::uint64_t open_failed = 0;  ///< ports: all taken, no more descriptors, kRelayedPairsMax
};

class RelayPorts {
 public:
  struct Handlers {
    /// The view is valid during the call only.
    std::function<void(rendezvous::RelayId id, const Endpoint& from, ByteView frame)> bind;
    /// Nothing was forwarded for kRelayIdle.
    std::function<void(rendezvous::RelayId id)> idle;
  };
  virtual ~RelayPorts() = default;
  /// Called once, before anything is opened.
  virtual void start(Handlers handlers) = 0;
  /// The port, on every family that the host has; 0: none could be had.
  [[nodiscard]] virtual std::uint16_t open(rendezvous::RelayId id) = 0;
  /// Forwards between these two from now on.
  virtual void join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) = 0;
  /// Sends this from the pair's port. From inside the bind handler too.
  virtual void send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) = 0;
  virtual void close(rendezvous::RelayId id) = 0;
  [[nodiscard]] virtual const RelayCounters& counters() const = 0;
  /// How busy these ports are now, by the limits that they have.
  [[nodiscard]] virtual rendezvous::RelayTraffic traffic() const = 0;
};

}  // namespace kadwire::node
