#include "tools/testnet/nodes/dht_message.h"

#include <utility>

#include "dht/packet_guard.h"

namespace kadwire::testnet {
namespace {

using nlohmann::json;

json binary(ByteView bytes) {
  std::vector<std::uint8_t> content;
  content.reserve(bytes.size());
  for (const std::byte byte : bytes) content.push_back(std::to_integer<std::uint8_t>(byte));
  return json::binary(std::move(content));
}

/// As OpenDHT lists them: id, address and port of each.
json node_list(std::span<const dht::KnownNode> nodes, AddressFamily family) {
  ByteWriter writer;
  for (const dht::KnownNode& node : nodes) {
    if (node.endpoint.address.family() != family) continue;
    writer.raw(node.id).raw(node.endpoint.address.bytes()).be16(node.endpoint.port);
  }
  return binary(writer.view());
}

/// The id of the value that a put carries or a refresh names; nullptr: there is none.
const json* value_id(const json& body) {
  if (const auto named = body.find("vid"); named != body.end()) return &*named;
  const auto values = body.find("values");
  if (values == body.end() || values->empty() || !values->front().is_object()) return nullptr;
  const auto id = values->front().find("id");
  return id == values->front().end() ? nullptr : &*id;
}

}  // namespace

std::optional<DhtMessage> DhtMessage::decode(ByteView datagram) {
  const dht::Inspection inspection = dht::inspect_packet(datagram);
  if (!inspection.accepted()) return std::nullopt;
  const auto* begin = reinterpret_cast<const std::uint8_t*>(datagram.data());
  json fields = json::from_msgpack(begin, begin + datagram.size(), true, false);
  if (!fields.is_object()) return std::nullopt;  // fragments are numbered, which json cannot say
  switch (inspection.kind) {
    case dht::PacketKind::kQuery:
      return DhtMessage(Kind::kRequest, std::move(fields));
    case dht::PacketKind::kReply:
      return DhtMessage(Kind::kReply, std::move(fields));
    default:
      return DhtMessage(Kind::kOther, std::move(fields));
  }
}

Bytes DhtMessage::encode() const {
  const std::vector<std::uint8_t> packed = json::to_msgpack(fields_);
  const auto* bytes = reinterpret_cast<const std::byte*>(packed.data());
  return {bytes, bytes + packed.size()};
}

std::string DhtMessage::method() const {
  return kind_ == Kind::kRequest ? fields_.at("q").get<std::string>() : std::string();
}

const json* DhtMessage::body() const {
  for (const char* name : {"a", "r", "u"}) {
    if (const auto found = fields_.find(name); found != fields_.end()) return &*found;
  }
  return nullptr;
}

std::optional<dht::InfoHash> DhtMessage::hash_in_body(const char* name) const {
  const json* inside = body();
  if (inside == nullptr || !inside->contains(name)) return std::nullopt;
  return to_array<20>(std::as_bytes(std::span(inside->at(name).get_binary())));
}

std::optional<dht::InfoHash> DhtMessage::sender() const {
  return hash_in_body("id");
}

std::optional<dht::InfoHash> DhtMessage::target() const {
  const auto key = hash_in_body("h");
  return key ? key : hash_in_body("target");
}

bool DhtMessage::is_answered_by(const DhtMessage& reply) const {
  return kind_ == Kind::kRequest && reply.kind_ == Kind::kReply &&
         fields_.at("t") == reply.fields_.at("t");
}

void DhtMessage::replace_nodes(std::span<const dht::KnownNode> nodes) {
  for (const char* part : {"a", "r"}) {
    const auto inside = fields_.find(part);
    if (inside == fields_.end()) continue;
    if (inside->contains("n4")) (*inside)["n4"] = node_list(nodes, AddressFamily::kIpv4);
    if (inside->contains("n6")) (*inside)["n6"] = node_list(nodes, AddressFamily::kIpv6);
  }
}

void DhtMessage::remove_values() {
  for (const char* part : {"r", "u"}) {
    const auto inside = fields_.find(part);
    if (inside == fields_.end()) continue;
    for (const char* name : {"values", "fields", "fileds", "exp", "re"}) inside->erase(name);
  }
}

std::optional<DhtMessage> DhtMessage::confirmation(const dht::InfoHash& id,
                                                   const Endpoint& to) const {
  if (method() != "put" && method() != "refresh") return std::nullopt;
  const json* stored = value_id(fields_.at("a"));
  if (stored == nullptr) return std::nullopt;
  json reply{{"t", fields_.at("t")}, {"y", "r"}, {"v", "RNG1"}};
  reply["r"] = {{"id", binary(id)}, {"vid", *stored}, {"sa", binary(to.address.bytes())}};
  // A node hears only those of its own network; 0 is not written.
  if (fields_.contains("n")) reply["n"] = fields_.at("n");
  return DhtMessage(Kind::kReply, std::move(reply));
}

}  // namespace kadwire::testnet
