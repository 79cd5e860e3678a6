#pragma once

/// The bytes in which a node keeps its DHT neighbours for the next start. Pure: where they are
/// kept, with which checksum and version, is node/state_store's. Layout: be16 count, then for each
/// node id (20) ‖ u8 address length (4 or 16) ‖ address ‖ be16 port.

#include <optional>
#include <span>
#include <vector>

#include "dht/directory.h"

namespace kadwire::dht {

/// A start asks a few dozen at most; what is older than those is better asked of them.
inline constexpr std::size_t kCachedNodesMax = 200;
inline constexpr std::size_t kCachedNodeBytesMax = 20 + 1 + 16 + 2;
/// The longest list decode_nodes takes.
inline constexpr std::size_t kNodeCacheBytesMax = 2 + kCachedNodesMax * kCachedNodeBytesMax;

/// The first kCachedNodesMax of `nodes`: a Directory gives its best first.
[[nodiscard]] Bytes encode_nodes(std::span<const KnownNode> nodes);

/// nullopt unless the bytes are exactly such a list and every entry can be sent to: a port that is
/// not 0, an address that is neither unspecified nor multicast, IPv4 in its own form.
[[nodiscard]] std::optional<std::vector<KnownNode>> decode_nodes(ByteView bytes);

}  // namespace kadwire::dht
