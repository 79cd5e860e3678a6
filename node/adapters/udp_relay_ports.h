#pragma once

/// Production's RelayPorts: one UDP port a pair, the same on IPv4 and IPv6, read and written in
/// batches on the event loop. Who may be relayed is decided by rendezvous/relay_desk.h; here a
/// datagram goes from one end that it named to the other, or nowhere.
///
///   a ──▶ port ─┬─ from an end ─▶ limits ─▶ the other end, from the address that this one reached
///   b ──▶       ├─ a bind, from anybody ─▶ rate ─▶ Handlers.bind
///               └─ anything else ─▶ counted, dropped
///
/// Takes two descriptors for each pair.

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>

#include "node/ports/relay_ports.h"
#include "node/ports/scheduler.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::node {

/// The payload of a jumbo frame of 9000 bytes: nobody's WireGuard sends larger datagrams.
inline constexpr std::size_t kRelayedBytesMax = 9000;
/// A bind costs a hash and an authenticated decryption, and anybody can send what looks like one.
/// Two members send a few in a second at most; a whole relay is kept busy for some milliseconds.
inline constexpr rendezvous::Rate kRelayBindRate{50, 50};
/// What the kernel may hold for one port and family, in each direction: 10 ms of a gigabit a
/// second. Floods of all ports at once end at the host's limit for all of UDP (net.ipv4.udp_mem).
inline constexpr int kRelayBufferBytes = 1024 * 1024;

/// One wake-up of a port serves so many batches (datagram_batch.h), then the loop serves everything
/// else: after half a millisecond, or some if the kernel joins datagrams.
inline constexpr int kRelayBatchesPerWakeUp = 4;

struct RelayPortOptions {
  /// The ports to choose from, `first` + `count` at most 65536; count 0: the kernel chooses.
  std::uint16_t first = 0, count = 0;
  rendezvous::RelayLimits limits = {};  ///< for all pairs together
};

class UdpRelayPorts final : public RelayPorts {
 public:
  /// `context` and `scheduler`, which is for this object alone, must outlive it; everything happens
  /// on the context's one thread. Ports are opened in the network namespace of who calls `open`.
  UdpRelayPorts(asio::io_context& context, Scheduler& scheduler,
                const RelayPortOptions& options = {});
  /// From inside a handler too.
  ~UdpRelayPorts() override;

  void start(Handlers handlers) override;
  /// `id` is not open.
  [[nodiscard]] std::uint16_t open(rendezvous::RelayId id) override;
  /// `id` is open. Moves the ends of a pair that was joined before.
  void join(rendezvous::RelayId id, const Endpoint& a, const Endpoint& b) override;
  /// From the address of this host that a bind from `to` reached. Unknown ids are ignored.
  void send(rendezvous::RelayId id, const Endpoint& to, ByteView frame) override;
  /// From inside a handler too: nothing comes of this pair afterwards. Unknown ids are ignored.
  void close(rendezvous::RelayId id) override;
  [[nodiscard]] const RelayCounters& counters() const override;
  [[nodiscard]] rendezvous::RelayTraffic traffic() const override;

 private:
  struct Port;
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< with the receive loops, which end when their port is closed
};

}  // namespace kadwire::node
