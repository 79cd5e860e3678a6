#pragma once

/// The one real Directory: a node of the OpenDHT network, in packets and out packets.
/// Drives the library's raw `Dht` through an in-memory socket, with packet_guard in front of its
/// parser, and makes it anew when the network has been silent for too long.
/// Sans-IO as far as the library allows: it reads the steady clock by itself, so `now` must come
/// from that clock (simulations interpose it, see tests/support/virtual_clock.h). Not here: names
/// to addresses (bootstrap endpoints come resolved), sockets, what the values mean.

#include <memory>

#include "dht/directory.h"
#include "node/base/random.h"

namespace kadwire::dht {

/// Requests of one kind, put, get or listen, under way at once. A node needs a handful; a bench a
/// few hundred. One more is a bug of the requester.
inline constexpr std::size_t kOperationsMax = 1024;
/// OpenDHT sends larger values in fragments, none of which is ever repeated.
inline constexpr std::size_t kSerializedValueMax = 599;
/// What OpenDHT's encoding adds to a value, at most: its id, type and field names.
inline constexpr std::size_t kValueOverheadMax = 38;
/// Values handed out in one event; a full reply becomes several events.
inline constexpr std::size_t kValuesPerEventMax = 64;
/// ValuesFound waiting for poll_event; further values are dropped and counted until some are taken.
inline constexpr std::size_t kValueEventsMax = 1024;
/// Larger values under our keys are not ours: the network allows 64 KiB, kadwire publishes 560
/// bytes.
inline constexpr std::size_t kFoundValueBytesMax = 1024;
/// Datagrams waiting for poll_transmit, a burst of replies with a hundred values to some listeners.
inline constexpr std::size_t kTransmitQueueMax = 4096;

/// Pause between attempts to enter the network: doubled from the first to the last, and jittered.
inline constexpr auto kBootstrapRetryFirst = 1s;
inline constexpr auto kBootstrapRetryLast = 10s;
/// Saved nodes asked per attempt, in turn. Those that do not answer never enter the routing table,
/// where each would cost every search near it a second.
inline constexpr std::size_t kSavedNodesPerAttempt = 16;
/// Without a reply for so long the node asks its neighbours for a sign of life, again every so
/// often.
inline constexpr auto kProbeAfterSilence = 20s;
inline constexpr auto kProbePause = 10s;
inline constexpr std::size_t kProbeNodes = 4;
/// After a silence OpenDHT recovers in tens of minutes, a new one in a second: it is made anew
/// then. Also how long a put or get waits for the network before it is given up.
inline constexpr auto kSilenceMax = 60s;
inline constexpr auto kSilenceJitter = 5s;

struct OpendhtOptions {
  std::uint32_t network = 0;  ///< OpenDHT's network id; nodes of others are not heard
  /// Lifts the limits on requests served (8192 a second, 1024 from one address): for test networks
  /// that share one address.
  bool unlimited_requests = false;
  std::vector<KnownNode> saved_nodes;  ///< from an earlier run: asked along with the bootstrap
};

class OpendhtDirectory final : public Directory {
 public:
  /// Draws its node id from `random`, which must outlive this object. Sends nothing before the
  /// first handle_timeout, which is due at `now`, or set_bootstrap.
  OpendhtDirectory(Now now, OpendhtOptions options, RandomSource& random);
  ~OpendhtDirectory() override;
  OpendhtDirectory(const OpendhtDirectory&) = delete;
  OpendhtDirectory& operator=(const OpendhtDirectory&) = delete;

  /// A put or get made while not connected waits for the connection, at most kSilenceMax.
  /// Put a value of at most kSerializedValueMax - kValueOverheadMax bytes (asserted).
  void request(Now now, DirectoryRequest request) override;
  void set_bootstrap(Now now, std::span<const Endpoint> endpoints) override;
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) override;
  void handle_timeout(Now now) override;
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override;
  [[nodiscard]] std::optional<Transmit> poll_transmit() override;
  [[nodiscard]] std::optional<DirectoryEvent> poll_event() override;
  [[nodiscard]] std::vector<KnownNode> known_nodes() const override;
  [[nodiscard]] DirectoryStats stats() const override;

  /// Exceptions of the library that were caught here; each is a defect of the library or the guard.
  [[nodiscard]] std::uint64_t library_exceptions() const;
  /// Values and datagrams lost to the bounds above.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kadwire::dht
