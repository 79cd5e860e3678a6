#pragma once

/// Many UDP datagrams with one system call: recvmmsg(2) and sendmmsg(2). What the kernel joined of
/// one flow (UDP_GRO, udp(7)) arrives as one run of datagrams; what leaves for one place leaves as
/// one (UDP_SEGMENT), whether it arrived so or not: the kernel's way out is most of the cost.
/// Each says which address of this host it came to, or leaves from the one that is named: a reply
/// of a host with several is to come from the one that was asked (ip(7), ipv6(7), PKTINFO).
/// Allocates nothing per datagram. Private to the adapters.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "node/adapters/control_messages.h"
#include "node/adapters/socket_address.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

/// Messages of one call. More bring less and less, and keep the loop from everything else.
inline constexpr std::size_t kBatchMax = 64;
/// The largest UDP payload there can be, and what the kernel joins at most.
inline constexpr std::size_t kRunBytesMax = 65535;

/// One datagram, or several of one flow: all of `datagram_bytes` but the last, which may be
/// shorter.
struct DatagramRun {
  ByteView bytes;
  std::size_t datagram_bytes = 0;

  [[nodiscard]] std::size_t datagrams() const {
    if (bytes.size() <= datagram_bytes) return 1;
    return (bytes.size() + datagram_bytes - 1) / datagram_bytes;
  }
  /// `index` is below datagrams().
  [[nodiscard]] ByteView datagram(std::size_t index) const {
    const ByteView rest = bytes.subspan(index * datagram_bytes);
    return rest.first(std::min(rest.size(), datagram_bytes));
  }
};

struct Arrival {
  Endpoint from;
  IpAddress at;  ///< which address of this host it came to
  DatagramRun run;
};

/// Prepares a UDP socket for batches: PKTINFO, and UDP_GRO where the kernel has it. False leaves
/// the reason in errno.
[[nodiscard]] bool prepare_for_batches(int fd, AddressFamily family);

class ArrivalBatch {
 public:
  ArrivalBatch();
  /// What lies ready at a socket that does not block, at most kBatchMax messages; 0: nothing. The
  /// arrivals of the last call are no more.
  [[nodiscard]] std::size_t receive(int fd);
  /// `index` is below what `receive` returned. nullopt if the kernel did not say all of it.
  [[nodiscard]] std::optional<Arrival> at(std::size_t index) const;

 private:
  struct Slot {
    SocketAddress from;
    iovec part{};
    alignas(cmsghdr) std::array<std::byte, kControlBytesMax> control{};
  };
  std::unique_ptr<std::byte[]> memory_;  ///< kRunBytesMax for each slot, touched as far as used
  std::array<Slot, kBatchMax> slots_;
  std::array<mmsghdr, kBatchMax> messages_{};
};

struct Departure {
  Endpoint to;
  std::optional<IpAddress> source;  ///< of the receiver's family; nullopt: routing chooses
  DatagramRun run;                  ///< what it views outlives the call of `send`
};

struct SendResult {
  std::uint64_t packets = 0, bytes = 0;  ///< sent
  std::uint64_t failed = 0;              ///< packets: no route, a full buffer, the host's firewall
};

/// Datagrams that leave as one: what every kernel with UDP_SEGMENT takes, in number and bytes.
inline constexpr std::size_t kSegmentsMax = 64;
inline constexpr std::size_t kSegmentedBytesMax = 65000;

class DepartureBatch {
 public:
  [[nodiscard]] bool full() const { return runs_used_ == kBatchMax; }
  [[nodiscard]] bool empty() const { return runs_used_ == 0; }
  /// Not when it is full.
  void add(const Departure& departure);
  /// Sends all, best effort, and is empty then. What is refused from its source (the address is
  /// gone) or as a run (the device cannot) is sent without.
  SendResult send(int fd);

 private:
  /// Runs that follow one another, to one place, and leave as one.
  struct Slot {
    Endpoint to;
    std::optional<IpAddress> source;
    std::size_t datagram_bytes = 0;  ///< of each but the last
    std::size_t first_run = 0, runs = 0;
    std::size_t datagrams = 0, bytes = 0;
    SocketAddress address;
    ControlMessages control;
    [[nodiscard]] bool takes(const Departure& departure) const;
  };
  void prepare(std::size_t slot);
  void send_singly(int fd, const Slot& slot, SendResult& result) const;
  std::array<Slot, kBatchMax> slots_;
  std::array<mmsghdr, kBatchMax> messages_{};
  std::array<DatagramRun, kBatchMax> runs_;
  std::array<iovec, kBatchMax> parts_{};  ///< of each run
  std::size_t slots_used_ = 0, runs_used_ = 0;
};

}  // namespace kadwire::node
