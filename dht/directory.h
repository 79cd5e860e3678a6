#pragma once

/// PORT: a directory of opaque values under 20-byte keys, as a Kademlia DHT offers it.
/// Sans-IO: datagrams and `now` go in; datagrams, events and the next timeout come out. The one
/// real implementation is OpendhtDirectory; tests use one in memory.

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crypto/key_schedule.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "node/base/transmit.h"

namespace kadwire::dht {

using crypto::InfoHash;

/// Names one request among all that are under way; chosen by the requester, never 0.
using OperationId = std::uint64_t;

/// Hands out OperationIds, never one twice, to all who share one Directory.
class OperationIds {
 public:
  [[nodiscard]] OperationId next() { return ++last_; }

 private:
  OperationId last_ = 0;
};

/// Stores `value` once (it expires about 10 minutes later). Answered by PutDone.
struct PutRequest {
  OperationId operation = 0;
  InfoHash key{};
  std::uint64_t value_id = 0;  ///< fresh for every put: an update under an old id is lost silently
  Bytes value;
};
/// Asks once for everything under `key`, or for the values with one id alone. Answered by
/// ValuesFound, any number, then GetDone. Everything costs a request a value and node; for what is
/// there at all, ask for the ids.
struct GetRequest {
  OperationId operation = 0;
  InfoHash key{};
  std::optional<std::uint64_t> value_id{};  ///< liars may hold other values under the same id
};
/// Asks once for the ids of the values under `key`: one request a node. Answered by IdsFound, any
/// number, then GetDone.
struct ListIdsRequest {
  OperationId operation = 0;
  InfoHash key{};
};
/// Asks to be told of values under `key` until cancelled. Answered by ValuesFound. Outlives a loss
/// of connectivity: the directory renews it by itself.
struct ListenRequest {
  OperationId operation = 0;
  InfoHash key{};
};
/// Ends a ListenRequest. Not answered.
struct CancelRequest {
  OperationId operation = 0;
};
using DirectoryRequest =
    std::variant<PutRequest, GetRequest, ListIdsRequest, ListenRequest, CancelRequest>;

struct FoundValue {
  std::uint64_t value_id = 0;
  Bytes value;
};
/// Values as strangers stored them: unverified, possibly repeated, in any order.
struct ValuesFound {
  OperationId operation = 0;
  std::vector<FoundValue> values;
};
/// Ids as strangers told them: perhaps of nothing, often repeated, in any order.
struct IdsFound {
  OperationId operation = 0;
  std::vector<std::uint64_t> ids;
};
/// The end of a GetRequest or ListIdsRequest. Not `ok`: some nodes may have been asked in vain.
struct GetDone {
  OperationId operation = 0;
  bool ok = false;
};
/// `ok` says that some node accepted it, which does not prove that others can see it.
struct PutDone {
  OperationId operation = 0;
  bool ok = false;
};
/// At least one other node answered (connected), or none has for a while.
struct ConnectivityChanged {
  bool connected = false;
};
using DirectoryEvent = std::variant<ValuesFound, IdsFound, GetDone, PutDone, ConnectivityChanged>;

/// A node of the DHT worth remembering across restarts.
struct KnownNode {
  InfoHash id{};
  Endpoint endpoint;
  auto operator<=>(const KnownNode&) const = default;
};

/// Counters and gauges for people; never an input to a decision.
struct DirectoryStats {
  bool connected = false;
  std::uint64_t good_nodes = 0;
  std::uint64_t known_nodes = 0;
  std::uint64_t stored_values = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t packets_refused = 0;  ///< stopped by packet_guard
  std::uint64_t restarts = 0;  ///< times the DHT was made anew: silence, or a network that was cut
};

class Directory {
 public:
  virtual ~Directory() = default;
  virtual void request(Now now, DirectoryRequest request) = 0;
  /// Addresses to enter the network through, replacing earlier ones. May be empty.
  virtual void set_bootstrap(Now now, std::span<const Endpoint> endpoints) = 0;
  /// Anything from the wire; what is not a well-formed DHT message is counted and dropped.
  virtual void handle_datagram(Now now, const Endpoint& from, ByteView datagram) = 0;
  virtual void handle_timeout(Now now) = 0;
  [[nodiscard]] virtual std::optional<TimePoint> next_timeout() const = 0;
  [[nodiscard]] virtual std::optional<Transmit> poll_transmit() = 0;
  [[nodiscard]] virtual std::optional<DirectoryEvent> poll_event() = 0;
  /// Good nodes, best first, for the node cache.
  [[nodiscard]] virtual std::vector<KnownNode> known_nodes() const = 0;
  [[nodiscard]] virtual DirectoryStats stats() const = 0;
};

}  // namespace kadwire::dht
