#pragma once

/// One node of the OpenDHT library, in packets and out packets: the only file that knows the
/// library. Turns its callbacks into lists to be taken, catches its exceptions, and works around
/// what its version 2.4 does to a node driven from outside. When to make a node, whom to ask and
/// what to do about silence is OpendhtDirectory's. Never feed it a datagram that packet_guard has
/// not accepted.

#include <memory>
#include <optional>
#include <vector>

#include "dht/directory.h"

namespace kadwire::dht {

/// OpenDHT sends larger values in fragments, none of which is ever repeated.
inline constexpr std::size_t kSerializedValueMax = 599;
/// What OpenDHT's encoding adds to a value, at most: its id, type and field names.
inline constexpr std::size_t kValueOverheadMax = 38;
/// Larger values under our keys are not ours: the network allows 64 KiB, kadwire publishes 560
/// bytes.
inline constexpr std::size_t kFoundValueBytesMax = 1024;
/// Found values waiting to be taken, and as many ids; further ones are dropped and counted.
inline constexpr std::size_t kFoundValuesMax = 65'536;
/// Datagrams waiting for poll_transmit: a burst of replies with a hundred values to some listeners.
inline constexpr std::size_t kTransmitQueueMax = 4096;
/// Ids of our own puts that are remembered, to tell them from what strangers stored with us.
inline constexpr std::size_t kOwnValuesMax = 256;
/// Datagrams let out every so often to a family from which nothing has come yet. See FamilyGate.
inline constexpr unsigned kTrialDatagrams = 2;
inline constexpr auto kTrialPause = 30s;

/// What the library is told about itself; fixed for the life of a node.
struct OpendhtNodeOptions {
  InfoHash id{};
  std::uint32_t network = 0;        ///< OpenDHT's network id; nodes of others are not heard
  bool unlimited_requests = false;  ///< no limit on requests served, in all and from one address
  std::size_t store_bytes_max = 0;  ///< values kept for others
};

class OpendhtNode {
 public:
  struct Found {
    OperationId operation = 0;
    FoundValue value;
  };
  struct FoundId {
    OperationId operation = 0;
    std::uint64_t value_id = 0;
  };
  struct Done {
    OperationId operation = 0;
    bool ok = false;
  };

  /// nullptr if the library's constructor threw. What `predecessor`, if any, kept for others, the
  /// new node goes on keeping.
  [[nodiscard]] static std::unique_ptr<OpendhtNode> create(TimePoint now,
                                                           const OpendhtNodeOptions& options,
                                                           const OpendhtNode* predecessor);
  virtual ~OpendhtNode() = default;

  /// Gives the library the time, and a datagram if `from` is not null.
  virtual void turn(TimePoint now, const Endpoint* from, ByteView datagram) = 0;
  /// When the library wants its next turn.
  [[nodiscard]] virtual TimePoint wake_at() const = 0;
  /// Some node answered lately and none of its later requests was in vain.
  [[nodiscard]] virtual bool connected() const = 0;

  /// Requests. What they cause leaves with the next turn. A node that is not connected answers all
  /// but listen at once, with failure.
  virtual void ping(const Endpoint& endpoint) = 0;
  virtual void put(const PutRequest& request) = 0;
  /// The value of a put as the library encodes it; empty if the library threw.
  [[nodiscard]] virtual Bytes encode_value(const PutRequest& request) = 0;
  /// Finds what other nodes hold, and of our own store what others put there.
  virtual void get(const GetRequest& request) = 0;
  /// Finds the ids of the same, one once for each node that holds it.
  virtual void list_ids(const ListIdsRequest& request) = 0;
  /// A token for cancel_listen; 0 after a failure.
  [[nodiscard]] virtual std::size_t listen(OperationId operation, const InfoHash& key) = 0;
  virtual void cancel_listen(const InfoHash& key, std::size_t token) = 0;

  /// Everything that came since the last call, oldest first.
  [[nodiscard]] virtual std::vector<Found> take_found() = 0;
  [[nodiscard]] virtual std::vector<FoundId> take_found_ids() = 0;
  [[nodiscard]] virtual std::vector<Done> take_done() = 0;
  [[nodiscard]] virtual std::optional<Transmit> poll_transmit() = 0;

  [[nodiscard]] virtual std::vector<KnownNode> known_nodes() const = 0;
  /// The parts of DirectoryStats the library knows: nodes and stored values, and what was sent.
  virtual void add_to(DirectoryStats& stats) const = 0;
  /// Exceptions of the library so far; each is a defect of the library or of the guard.
  [[nodiscard]] virtual std::uint64_t exceptions() const = 0;
  /// Values and datagrams lost to the bounds above.
  [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

}  // namespace kadwire::dht
