#include "dht/msgpack_walker.h"

namespace kadwire::dht {

/// What a first byte announces. Bytes of length or value follow it, then, by its type, that many
/// bytes of content or elements.
struct MsgpackWalker::Head {
  Type type = Type::kNever;
  unsigned number_bytes = 0;   ///< of the big-endian number that follows: a value, length or count
  std::uint64_t number = 0;    ///< the number itself if the first byte holds it
  unsigned content_bytes = 0;  ///< of a fixed-size item, or an extension's type, beyond its length
};

MsgpackWalker::Head MsgpackWalker::head_of(std::uint8_t first) {
  if (first <= 0x7f) return {Type::kUnsigned, 0, first};
  if (first <= 0x8f) return {Type::kMap, 0, first & 0x0fU};
  if (first <= 0x9f) return {Type::kArray, 0, first & 0x0fU};
  if (first <= 0xbf) return {Type::kText, 0, first & 0x1fU};
  if (first >= 0xe0) return {Type::kNegative};
  static constexpr std::array<Head, 0x20> kHeads{{
      {Type::kNil},  // 0xc0
      {Type::kNever},
      {Type::kBool},
      {Type::kBool},
      {Type::kBinary, 1},  // 0xc4
      {Type::kBinary, 2},
      {Type::kBinary, 4},
      {Type::kExtension, 1, 0, 1},  // 0xc7
      {Type::kExtension, 2, 0, 1},
      {Type::kExtension, 4, 0, 1},
      {Type::kFloat, 0, 0, 4},  // 0xca
      {Type::kFloat, 0, 0, 8},
      {Type::kUnsigned, 1},  // 0xcc
      {Type::kUnsigned, 2},
      {Type::kUnsigned, 4},
      {Type::kUnsigned, 8},
      {Type::kNegative, 0, 0, 1},  // 0xd0
      {Type::kNegative, 0, 0, 2},
      {Type::kNegative, 0, 0, 4},
      {Type::kNegative, 0, 0, 8},
      {Type::kExtension, 0, 0, 2},  // 0xd4
      {Type::kExtension, 0, 0, 3},
      {Type::kExtension, 0, 0, 5},
      {Type::kExtension, 0, 0, 9},
      {Type::kExtension, 0, 0, 17},
      {Type::kText, 1},  // 0xd9
      {Type::kText, 2},
      {Type::kText, 4},
      {Type::kArray, 2},  // 0xdc
      {Type::kArray, 4},
      {Type::kMap, 2},  // 0xde
      {Type::kMap, 4},
  }};
  return kHeads[first - 0xc0U];
}

MsgpackWalker::Item MsgpackWalker::next() {
  if (stopped()) return {};
  const auto first = static_cast<std::uint8_t>(big_endian(1));
  if (stopped()) return {};
  const Head head = head_of(first);
  const std::uint64_t number = head.number_bytes > 0 ? big_endian(head.number_bytes) : head.number;
  if (stopped()) return {};
  switch (head.type) {
    case Type::kNever:
      require(false, GuardVerdict::kMalformed);
      return {};
    case Type::kText:
    case Type::kBinary:
      return text_or_binary(head.type, number);
    case Type::kArray:
    case Type::kMap:
      return container(head.type, number);
    case Type::kUnsigned:
      return {Type::kUnsigned, number, {}};
    default:
      return opaque(head.type, number + head.content_bytes);
  }
}

MsgpackWalker::Item MsgpackWalker::text_or_binary(Type type, std::uint64_t length) {
  require(length <= kStringBytesMax, GuardVerdict::kTooMany);
  if (!stopped() && reader_.remaining() < length) run_out();
  if (stopped()) return {};
  return {type, length, reader_.raw(static_cast<std::size_t>(length))};
}

MsgpackWalker::Item MsgpackWalker::container(Type type, std::uint64_t count) {
  require(count <= kArrayEntriesMax, GuardVerdict::kTooMany);
  const std::uint64_t least_bytes = type == Type::kMap ? 2 * count : count;
  if (!stopped() && extent_ == Extent::kWhole && least_bytes > reader_.remaining()) run_out();
  if (stopped()) return {};
  return {type, count, {}};
}

/// An item whose content nobody looks at.
MsgpackWalker::Item MsgpackWalker::opaque(Type type, std::uint64_t length) {
  const Item item = text_or_binary(type, length);
  return {item.type, 0, {}};
}

void MsgpackWalker::skip_rest(const Item& head) {
  if (head.type != Type::kArray && head.type != Type::kMap) return;
  enter();
  const std::uint64_t elements = head.type == Type::kMap ? 2 * head.number : head.number;
  for (std::uint64_t i = 0; i < elements && !stopped(); ++i) skip();
  leave();
}

MsgpackWalker::Item MsgpackWalker::expect(Type type) {
  const Item item = next();
  require(item.type == type, GuardVerdict::kWrongType);
  return item;
}

void MsgpackWalker::run_out() {
  if (extent_ == Extent::kPrefix) {
    cut_ = true;
  } else {
    verdict_ = GuardVerdict::kMalformed;
  }
}

std::uint64_t MsgpackWalker::big_endian(unsigned bytes) {
  if (reader_.remaining() < bytes) {
    run_out();
    return 0;
  }
  switch (bytes) {
    case 1:
      return reader_.u8();
    case 2:
      return reader_.be16();
    case 4:
      return reader_.be32();
    default:
      return reader_.be64();
  }
}

}  // namespace kadwire::dht
