#pragma once

/// Walks forward through one msgpack object and holds the first reason to refuse it: packet_guard's
/// grammar is written on top of this. https://github.com/msgpack/msgpack/blob/master/spec.md
/// Allocation-free and bounded by the input: a container is refused before anybody sets memory
/// aside for elements that cannot be there. Deviation: a number in msgpack's signed encodings never
/// counts as unsigned, which encoders avoid.

#include <algorithm>
#include <array>

#include "dht/packet_guard.h"

namespace kadwire::dht {

class MsgpackWalker {
 public:
  enum class Type : std::uint8_t {
    kNever,  ///< the one first byte msgpack leaves unused; no item has it
    kNil,
    kBool,
    kUnsigned,
    kNegative,
    kFloat,
    kText,
    kBinary,
    kExtension,
    kArray,
    kMap
  };
  /// An object, or the head of one: the elements of arrays and maps follow it.
  struct Item {
    Type type = Type::kNil;
    std::uint64_t number = 0;  ///< value of kUnsigned, entries of kArray and kMap
    ByteView bytes{};          ///< of kText and kBinary
  };
  /// How much of the object there is.
  enum class Extent : std::uint8_t {
    kWhole,
    kPrefix,  ///< perhaps only its beginning: running out of bytes is no reason to refuse
  };

  MsgpackWalker(ByteView bytes, Extent extent) : reader_(bytes), extent_(extent) {}

  /// The next item. After a refusal, or the end of a prefix, every step is a no-op and gives nil,
  /// so that a grammar checks nothing in between.
  Item next();
  /// The next item, refused as kWrongType unless it is of this type.
  Item expect(Type type);
  /// Leaves out an item with all its elements. Its maps may hold any keys.
  void skip() { skip_rest(next()); }
  /// Refuses the object as `otherwise` unless the condition holds.
  void require(bool condition, GuardVerdict otherwise) {
    if (!stopped() && !condition) verdict_ = otherwise;
  }
  /// Refuses bytes after the object.
  void require_end() { require(reader_.remaining() == 0, GuardVerdict::kMalformed); }

  /// Goes through the map whose head was read: calls `on_key` with each key, and it consumes the
  /// value. Keys must be text and different, at most kMapEntriesMax.
  template <typename OnKey>
  void map(const Item& head, OnKey on_key);
  /// Goes through an array; `on_element` consumes each element.
  template <typename OnElement>
  void array(std::uint32_t entries_max, OnElement on_element);
  /// Goes down one level; the caller comes back up by leave.
  void enter() { require(++depth_ <= kPacketDepthMax, GuardVerdict::kTooDeep); }
  void leave() { --depth_; }

  [[nodiscard]] bool stopped() const { return verdict_ != GuardVerdict::kAccepted || cut_; }
  [[nodiscard]] GuardVerdict verdict() const { return verdict_; }

 private:
  struct Head;
  [[nodiscard]] static Head head_of(std::uint8_t first);
  void run_out();
  std::uint64_t big_endian(unsigned bytes);
  Item text_or_binary(Type type, std::uint64_t length);
  Item container(Type type, std::uint64_t count);
  Item opaque(Type type, std::uint64_t length);
  void skip_rest(const Item& head);

  ByteReader reader_;
  Extent extent_;
  GuardVerdict verdict_ = GuardVerdict::kAccepted;
  bool cut_ = false;  ///< a prefix ended; what there was is right
  unsigned depth_ = 0;
};

template <typename OnKey>
void MsgpackWalker::map(const Item& head, OnKey on_key) {
  require(head.type == Type::kMap, GuardVerdict::kWrongType);
  require(head.number <= kMapEntriesMax, GuardVerdict::kTooMany);
  enter();
  std::array<std::string_view, kMapEntriesMax> seen;
  for (std::size_t i = 0; !stopped() && i < head.number; ++i) {
    const std::string_view key = as_text(expect(Type::kText).bytes);
    if (stopped()) break;
    const auto end = seen.begin() + static_cast<std::ptrdiff_t>(i);
    require(std::find(seen.begin(), end, key) == end, GuardVerdict::kDuplicateKey);
    seen[i] = key;
    if (!stopped()) on_key(key);
  }
  leave();
}

template <typename OnElement>
void MsgpackWalker::array(std::uint32_t entries_max, OnElement on_element) {
  const Item head = expect(Type::kArray);
  require(head.number <= entries_max, GuardVerdict::kTooMany);
  enter();
  for (std::uint64_t i = 0; i < head.number && !stopped(); ++i) on_element();
  leave();
}

}  // namespace kadwire::dht
