#pragma once

/// A strict check of one datagram before OpenDHT's parser sees it. That parser trusts types and
/// counts: four bytes from anybody end a process that feeds it raw packets.
/// Pure and allocation-free: one pass over the bytes, bounded by their number.
///
/// Wire format: one msgpack map, the envelope, with a body map under `a` (query), `r` (reply, and
/// along with `e`, error) or `u` (pushed values), or value fragments under `p`. Known keys must
/// have the types the parser takes for granted; unknown keys pass if they are well-formed, because
/// the public network runs newer versions. Duplicate keys are refused: parsers differ on which one
/// counts.

#include <cstdint>
#include <string_view>

#include "node/base/bytes.h"

namespace kadwire::dht {

/// The largest UDP payload: a reply with the ids of thousands of values legitimately comes close.
inline constexpr std::size_t kPacketBytesMax = 65'507;
/// Legitimate packets nest 8 deep.
inline constexpr unsigned kPacketDepthMax = 16;
/// Bytes of one string: OpenDHT's bound of a value, with its margin for the encoding around it.
inline constexpr std::uint64_t kStringBytesMax = 64 * 1024 + 32;
/// Entries of one map; the largest known to exist has 12.
inline constexpr std::uint32_t kMapEntriesMax = 32;
/// Values or ids in one packet: more than fit a datagram at five bytes an id.
inline constexpr std::uint32_t kArrayEntriesMax = 16'384;
/// Values announced in one packet to follow in fragments. Each takes the parser a hundred bytes
/// from three of the sender's; the busiest key ever measured held 1000.
inline constexpr std::uint32_t kAnnouncedValuesMax = 2048;
/// Nodes in one list; OpenDHT sends at most 8 a family.
inline constexpr std::size_t kNodesPerPacketMax = 32;
/// OpenDHT's own are 32 bytes, and it ignores any longer than this.
inline constexpr std::size_t kTokenBytesMax = 64;

enum class GuardVerdict : std::uint8_t {
  kAccepted,
  kEmpty,         ///< no bytes at all
  kTooLong,       ///< more than kPacketBytesMax
  kMalformed,     ///< not msgpack, cut short, or bytes left over
  kTooDeep,       ///< nested beyond kPacketDepthMax
  kTooMany,       ///< a count beyond its bound
  kDuplicateKey,  ///< a map with one key twice
  kMissingKey,    ///< `t`, `y`, the body or its `id`, or a part of a value
  kWrongType,    ///< a known key with a value of another type, or of another size where it is fixed
  kWrongLength,  ///< a node list or field list that does not divide evenly, or is empty
};
inline constexpr std::size_t kGuardVerdicts = 10;

/// A short lower-case name for logs and counters.
[[nodiscard]] std::string_view to_string(GuardVerdict verdict);

enum class PacketKind : std::uint8_t { kQuery, kReply, kPush, kError, kFragment };

struct Inspection {
  GuardVerdict verdict = GuardVerdict::kEmpty;
  PacketKind kind = PacketKind::kQuery;  ///< meaningful if accepted
  /// Values announced by their size, to follow in fragments: memory the parser sets aside.
  std::uint32_t announced_values = 0;
  /// The id of a value the sender says it has stored for us; 0: none.
  std::uint64_t stored_value = 0;
  std::uint32_t transaction = 0;  ///< a reply repeats its query's
  // Views into the datagram; empty if it has no such thing.
  std::string_view method{};  ///< of a query: "find", "get", "put", …
  ByteView sender{};          ///< `id`, 20 bytes
  ByteView key{};             ///< `h` or `target`, 20 bytes: what a query is about
  ByteView token{};           ///< of a reply: what the sender wants to see in a put
  ByteView nodes4{};          ///< ids of 20 bytes, addresses of 4 and ports of 2, network order
  ByteView nodes6{};          ///< the same with addresses of 16
  [[nodiscard]] bool accepted() const { return verdict == GuardVerdict::kAccepted; }
};

/// Judges one datagram as received from the network.
[[nodiscard]] Inspection inspect_packet(ByteView datagram);

}  // namespace kadwire::dht
