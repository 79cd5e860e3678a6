#include "dht/node_cache.h"

#include <algorithm>
#include <utility>

namespace kadwire::dht {
namespace {

std::optional<KnownNode> read_node(ByteReader& reader) {
  KnownNode node;
  node.id = reader.array<std::tuple_size_v<InfoHash>>();
  const ByteView address_bytes = reader.raw(reader.u8());
  node.endpoint.port = reader.be16();
  const auto address = IpAddress::from_bytes(address_bytes);
  if (!reader.ok() || !address || node.endpoint.port == 0) return std::nullopt;
  // An IPv4 address in IPv6's clothes comes back shorter: one host, one spelling.
  if (address->bytes().size() != address_bytes.size()) return std::nullopt;
  if (address->is_unspecified() || address->is_multicast()) return std::nullopt;
  node.endpoint.address = *address;
  return node;
}

}  // namespace

Bytes encode_nodes(std::span<const KnownNode> nodes) {
  const auto kept = nodes.first(std::min(nodes.size(), kCachedNodesMax));
  ByteWriter writer;
  writer.be16(static_cast<std::uint16_t>(kept.size()));
  for (const KnownNode& node : kept) {
    const ByteView address = node.endpoint.address.bytes();
    writer.raw(node.id).u8(static_cast<std::uint8_t>(address.size())).raw(address);
    writer.be16(node.endpoint.port);
  }
  return std::move(writer).take();
}

std::optional<std::vector<KnownNode>> decode_nodes(ByteView bytes) {
  ByteReader reader(bytes);
  const std::size_t count = reader.be16();
  if (!reader.ok() || count > kCachedNodesMax) return std::nullopt;
  std::vector<KnownNode> nodes;
  nodes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<KnownNode> node = read_node(reader);
    if (!node) return std::nullopt;
    nodes.push_back(*node);
  }
  if (!reader.finished()) return std::nullopt;
  return nodes;
}

}  // namespace kadwire::dht
