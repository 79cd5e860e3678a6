#include "dht/packet_guard.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace kadwire::dht {
namespace {

constexpr std::size_t kHashBytes = 20;
constexpr std::size_t kNode4Bytes = kHashBytes + 4 + 2;  ///< id, address, port
constexpr std::size_t kNode6Bytes = kHashBytes + 16 + 2;
constexpr std::size_t kTransactionBytes = 4;
/// OpenDHT's bound of a value, with its margin for the encoding around it.
constexpr std::uint64_t kValueBytesMax = 64 * 1024 + 32;
/// Address families wanted in a reply: two exist.
constexpr std::uint32_t kFamiliesMax = 8;
/// Fields a query may select: five exist.
constexpr std::uint32_t kFieldsMax = 16;
/// Year 2242. The parser turns seconds into nanoseconds of 64 bits; this stays clear of their end.
constexpr std::uint64_t kUnixSecondsMax = std::uint64_t{1} << 33;

enum class Type : std::uint8_t {
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

/// One msgpack head. Strings carry their bytes; arrays and maps are followed by their elements.
struct Item {
  Type type = Type::kNil;
  std::uint64_t number = 0;  ///< value of kUnsigned, entries of kArray and kMap
  ByteView bytes;            ///< of kText and kBinary
};

/// How much of the input there is: all, or, in a value's first fragment, perhaps its beginning.
enum class Extent : std::uint8_t { kWhole, kPrefix };

/// Walks forward through the bytes and holds the first reason to refuse them; after that every step
/// is a no-op, so the grammar below checks nothing in between.
class Walker {
 public:
  Walker(ByteView bytes, Extent extent) : reader_(bytes), extent_(extent) {}

  Inspection envelope();
  /// A value on its own, as the fragments of it add up to.
  GuardVerdict value_alone();

 private:
  void refuse(GuardVerdict why) {
    if (verdict_ == GuardVerdict::kAccepted) verdict_ = why;
  }
  [[nodiscard]] bool stopped() const { return verdict_ != GuardVerdict::kAccepted || cut_; }
  void require(bool condition, GuardVerdict otherwise) {
    if (!stopped() && !condition) refuse(otherwise);
  }
  void run_out();

  Item next();
  Item sized(Type type, unsigned length_bytes);
  Item counted(Type type, std::uint64_t count);
  std::uint64_t big_endian(unsigned bytes);
  void skip_rest(const Item& head);
  void skip() { skip_rest(next()); }

  template <typename OnKey>
  void map(const Item& head, OnKey on_key);
  template <typename OnElement>
  void array(std::uint32_t entries_max, OnElement on_element);

  Item expect(Type type);
  void unsigned_up_to(std::uint64_t largest);
  void binary_of(std::size_t bytes);
  void transaction();
  void address();
  void node_list(std::size_t node_bytes);
  void integer();
  void query();
  void filter();
  void fields();
  void values();
  void value(const Item& head);
  void value_data(const Item& head);
  void value_body();
  void error();
  void fragments();
  void fragment();
  void body();
  bool body_known(std::string_view key);

  ByteReader reader_;
  Extent extent_;
  GuardVerdict verdict_ = GuardVerdict::kAccepted;
  bool cut_ = false;  ///< a prefix ended; what there was is right
  unsigned depth_ = 0;
  std::uint32_t announced_values_ = 0;
  std::uint64_t stored_value_ = 0;
};

void Walker::run_out() {
  if (extent_ == Extent::kPrefix) {
    cut_ = true;
  } else {
    refuse(GuardVerdict::kMalformed);
  }
}

std::uint64_t Walker::big_endian(unsigned bytes) {
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

/// The bytes of a string whose length takes `length_bytes`.
Item Walker::sized(Type type, unsigned length_bytes) {
  const std::uint64_t length = big_endian(length_bytes);
  if (stopped()) return {};
  require(length <= kValueBytesMax, GuardVerdict::kTooMany);
  if (reader_.remaining() < length) run_out();
  if (stopped()) return {};
  return {type, length, reader_.raw(static_cast<std::size_t>(length))};
}

/// A container is refused before anybody sets memory aside for elements that cannot be there.
Item Walker::counted(Type type, std::uint64_t count) {
  if (stopped()) return {};
  require(count <= kArrayEntriesMax, GuardVerdict::kTooMany);
  const std::uint64_t least_bytes = type == Type::kMap ? 2 * count : count;
  if (!stopped() && extent_ == Extent::kWhole && least_bytes > reader_.remaining()) run_out();
  if (stopped()) return {};
  return {type, count, {}};
}

/// The next head, by msgpack's table of first bytes.
Item Walker::next() {
  if (stopped()) return {};
  const auto first = static_cast<std::uint8_t>(big_endian(1));
  if (stopped()) return {};
  const auto fixed_text = [&](std::size_t length) -> Item {
    if (reader_.remaining() < length) run_out();
    if (stopped()) return {};
    return {Type::kText, length, reader_.raw(length)};
  };
  const auto opaque = [&](Type type, std::size_t length) -> Item {
    if (reader_.remaining() < length) run_out();
    reader_.raw(stopped() ? 0 : length);
    return {type, 0, {}};
  };
  if (first <= 0x7f) return {Type::kUnsigned, first, {}};
  if (first <= 0x8f) return counted(Type::kMap, first & 0x0f);
  if (first <= 0x9f) return counted(Type::kArray, first & 0x0f);
  if (first <= 0xbf) return fixed_text(first & 0x1f);
  if (first >= 0xe0) return {Type::kNegative, 0, {}};
  switch (first) {
    case 0xc0:
      return {Type::kNil, 0, {}};
    case 0xc2:
    case 0xc3:
      return {Type::kBool, 0, {}};
    case 0xc4:
      return sized(Type::kBinary, 1);
    case 0xc5:
      return sized(Type::kBinary, 2);
    case 0xc6:
      return sized(Type::kBinary, 4);
    case 0xca:
      return opaque(Type::kFloat, 4);
    case 0xcb:
      return opaque(Type::kFloat, 8);
    case 0xcc:
      return {Type::kUnsigned, big_endian(1), {}};
    case 0xcd:
      return {Type::kUnsigned, big_endian(2), {}};
    case 0xce:
      return {Type::kUnsigned, big_endian(4), {}};
    case 0xcf:
      return {Type::kUnsigned, big_endian(8), {}};
    case 0xd9:
      return sized(Type::kText, 1);
    case 0xda:
      return sized(Type::kText, 2);
    case 0xdb:
      return sized(Type::kText, 4);
    case 0xdc:
      return counted(Type::kArray, big_endian(2));
    case 0xdd:
      return counted(Type::kArray, big_endian(4));
    case 0xde:
      return counted(Type::kMap, big_endian(2));
    case 0xdf:
      return counted(Type::kMap, big_endian(4));
    default:
      break;
  }
  // Signed integers that encoders write for negative numbers only, and extensions: nothing that is
  // known uses them, so they pass as unknown values and fit no known key.
  switch (first) {
    case 0xd0:
      return opaque(Type::kNegative, 1);
    case 0xd1:
      return opaque(Type::kNegative, 2);
    case 0xd2:
      return opaque(Type::kNegative, 4);
    case 0xd3:
      return opaque(Type::kNegative, 8);
    case 0xd4:
      return opaque(Type::kExtension, 2);
    case 0xd5:
      return opaque(Type::kExtension, 3);
    case 0xd6:
      return opaque(Type::kExtension, 5);
    case 0xd7:
      return opaque(Type::kExtension, 9);
    case 0xd8:
      return opaque(Type::kExtension, 17);
    case 0xc7:
    case 0xc8:
    case 0xc9: {
      const std::uint64_t length = big_endian(first == 0xc7 ? 1 : first == 0xc8 ? 2 : 4);
      require(length <= kValueBytesMax, GuardVerdict::kTooMany);
      return opaque(Type::kExtension, stopped() ? 0 : static_cast<std::size_t>(length) + 1);
    }
    default:
      refuse(GuardVerdict::kMalformed);
      return {};
  }
}

/// The elements of a container nobody reads.
void Walker::skip_rest(const Item& head) {
  if (head.type != Type::kArray && head.type != Type::kMap) return;
  require(++depth_ <= kPacketDepthMax, GuardVerdict::kTooDeep);
  const std::uint64_t elements = head.type == Type::kMap ? 2 * head.number : head.number;
  for (std::uint64_t i = 0; i < elements && !stopped(); ++i) skip();
  --depth_;
}

/// Calls `on_key` with each key; it consumes the value.
template <typename OnKey>
void Walker::map(const Item& head, OnKey on_key) {
  require(head.type == Type::kMap, GuardVerdict::kWrongType);
  require(head.number <= kMapEntriesMax, GuardVerdict::kTooMany);
  require(++depth_ <= kPacketDepthMax, GuardVerdict::kTooDeep);
  std::array<std::string_view, kMapEntriesMax> seen;
  for (std::size_t i = 0; !stopped() && i < head.number; ++i) {
    const std::string_view key = as_text(expect(Type::kText).bytes);
    if (stopped()) break;
    const auto end = seen.begin() + static_cast<std::ptrdiff_t>(i);
    require(std::find(seen.begin(), end, key) == end, GuardVerdict::kDuplicateKey);
    seen[i] = key;
    if (!stopped()) on_key(key);
  }
  --depth_;
}

template <typename OnElement>
void Walker::array(std::uint32_t entries_max, OnElement on_element) {
  const Item head = expect(Type::kArray);
  require(head.number <= entries_max, GuardVerdict::kTooMany);
  require(++depth_ <= kPacketDepthMax, GuardVerdict::kTooDeep);
  for (std::uint64_t i = 0; i < head.number && !stopped(); ++i) on_element();
  --depth_;
}

Item Walker::expect(Type type) {
  const Item item = next();
  require(item.type == type, GuardVerdict::kWrongType);
  return item;
}

void Walker::unsigned_up_to(std::uint64_t largest) {
  require(expect(Type::kUnsigned).number <= largest, GuardVerdict::kWrongType);
}

void Walker::binary_of(std::size_t bytes) {
  require(expect(Type::kBinary).bytes.size() == bytes, GuardVerdict::kWrongType);
}

/// A number of 32 bits, or, from old nodes, its four bytes.
void Walker::transaction() {
  const Item item = next();
  const bool number =
      item.type == Type::kUnsigned && item.number <= std::numeric_limits<std::uint32_t>::max();
  const bool binary = item.type == Type::kBinary && item.bytes.size() == kTransactionBytes;
  require(number || binary, GuardVerdict::kWrongType);
}

void Walker::address() {
  const std::size_t size = expect(Type::kBinary).bytes.size();
  require(size == 4 || size == 16, GuardVerdict::kWrongLength);
}

void Walker::node_list(std::size_t node_bytes) {
  const std::size_t size = expect(Type::kBinary).bytes.size();
  require(size % node_bytes == 0, GuardVerdict::kWrongLength);
  require(size / node_bytes <= kNodesPerPacketMax, GuardVerdict::kTooMany);
}

void Walker::integer() {
  const Type type = next().type;
  require(type == Type::kUnsigned || type == Type::kNegative, GuardVerdict::kWrongType);
}

/// {s: [field …], w: [{f: field, v: value} …]}; both are needed.
void Walker::query() {
  bool select = false;
  bool where = false;
  map(next(), [&](std::string_view key) {
    if (key == "s") {
      select = true;
      array(kFieldsMax, [&] { unsigned_up_to(0xff); });
    } else if (key == "w") {
      where = true;
      array(kFieldsMax, [&] { filter(); });
    } else {
      skip();
    }
  });
  require(select && where, GuardVerdict::kMissingKey);
}

void Walker::filter() {
  bool field = false;
  bool content = false;
  map(next(), [&](std::string_view key) {
    if (key == "f") {
      field = true;
      unsigned_up_to(0xff);
    } else if (key == "v") {
      content = true;
      const Type type = next().type;
      require(type == Type::kUnsigned || type == Type::kBinary, GuardVerdict::kWrongType);
    } else {
      skip();
    }
  });
  require(field && content, GuardVerdict::kMissingKey);
}

/// {f: [field …], v: [a value's fields, the next value's fields, …]}. The parser divides by the
/// number of different fields: they must ascend, there must be one, and they must divide the list.
void Walker::fields() {
  std::uint64_t columns = 0;
  std::optional<std::uint64_t> cells;
  map(next(), [&](std::string_view key) {
    if (key == "f") {
      std::uint64_t previous = 0;
      array(kFieldsMax, [&] {
        const std::uint64_t field = expect(Type::kUnsigned).number;
        require(field <= 0xff && field > previous, GuardVerdict::kWrongType);
        previous = field;
        ++columns;
      });
    } else if (key == "v") {
      cells = 0;
      array(kArrayEntriesMax, [&] {
        const Type type = next().type;
        require(type == Type::kUnsigned || type == Type::kBinary || type == Type::kText,
                GuardVerdict::kWrongType);
        ++*cells;
      });
    } else {
      skip();
    }
  });
  require(cells.has_value(), GuardVerdict::kMissingKey);
  require(columns > 0 && *cells % columns == 0, GuardVerdict::kWrongLength);
}

/// Whole values, or the sizes of values that follow in fragments.
void Walker::values() {
  array(kArrayEntriesMax, [&] {
    const Item head = next();
    if (head.type != Type::kUnsigned) return value(head);
    ++announced_values_;
    require(announced_values_ <= kAnnouncedValuesMax, GuardVerdict::kTooMany);
  });
}

void Walker::value(const Item& head) {
  bool id = false;
  bool data = false;
  map(head, [&](std::string_view key) {
    if (key == "id") {
      id = true;
      expect(Type::kUnsigned);
    } else if (key == "dat") {
      data = true;
      value_data(next());
    } else if (key == "prio") {
      unsigned_up_to(std::numeric_limits<std::uint32_t>::max());
    } else {
      skip();
    }
  });
  require(id && data, GuardVerdict::kMissingKey);
}

/// Encrypted bytes, or a body with perhaps a signature over it.
void Walker::value_data(const Item& head) {
  if (head.type == Type::kBinary) return;
  bool content = false;
  map(head, [&](std::string_view key) {
    if (key == "body") {
      content = true;
      value_body();
    } else if (key == "sig") {
      expect(Type::kBinary);
    } else {
      skip();
    }
  });
  require(content, GuardVerdict::kMissingKey);
}

void Walker::value_body() {
  bool data = false;
  bool type = false;
  map(next(), [&](std::string_view key) {
    if (key == "data") {
      data = true;
      expect(Type::kBinary);
    } else if (key == "type") {
      type = true;
      unsigned_up_to(0xffff);
    } else if (key == "seq") {
      unsigned_up_to(0xffff);
    } else if (key == "owner") {
      expect(Type::kBinary);
    } else if (key == "to") {
      binary_of(kHashBytes);
    } else if (key == "utype") {
      expect(Type::kText);
    } else {
      skip();
    }
  });
  require(data && type, GuardVerdict::kMissingKey);
}

/// [code, message …]; the parser reads the code without looking whether there is one.
void Walker::error() {
  bool first = true;
  array(kFieldsMax, [&] {
    if (!std::exchange(first, false)) return skip();
    unsigned_up_to(0xffff);
  });
  require(!first, GuardVerdict::kWrongLength);
}

/// {index: {o: offset, d: bytes} …}: the one map whose keys are numbers.
void Walker::fragments() {
  const Item head = expect(Type::kMap);
  require(head.number <= kMapEntriesMax, GuardVerdict::kTooMany);
  require(head.number > 0, GuardVerdict::kWrongLength);
  require(++depth_ <= kPacketDepthMax, GuardVerdict::kTooDeep);
  for (std::uint64_t i = 0; i < head.number && !stopped(); ++i) {
    unsigned_up_to(kAnnouncedValuesMax);
    fragment();
  }
  --depth_;
}

/// The parser trusts a value put together from fragments as little as we let it: the first one must
/// be a value or its beginning.
void Walker::fragment() {
  std::optional<std::uint64_t> offset;
  ByteView data;
  map(next(), [&](std::string_view key) {
    if (key == "o") {
      offset = expect(Type::kUnsigned).number;
      require(*offset <= kValueBytesMax, GuardVerdict::kTooMany);
    } else if (key == "d") {
      data = expect(Type::kBinary).bytes;
    } else {
      skip();
    }
  });
  require(offset.has_value() && !data.empty(), GuardVerdict::kMissingKey);
  if (stopped() || *offset != 0) return;
  const GuardVerdict verdict = Walker(data, Extent::kPrefix).value_alone();
  require(verdict == GuardVerdict::kAccepted, verdict);
}

void Walker::body() {
  bool id = false;
  map(next(), [&](std::string_view key) {
    id |= key == "id";
    if (!body_known(key)) skip();
  });
  require(id, GuardVerdict::kMissingKey);
}

/// Consumes the value of a key the parser knows.
bool Walker::body_known(std::string_view key) {
  if (key == "id" || key == "h" || key == "target") return binary_of(kHashBytes), true;
  if (key == "sid") return transaction(), true;
  if (key == "q") return query(), true;
  if (key == "token") {
    const std::size_t size = expect(Type::kBinary).bytes.size();
    return require(size <= kTokenBytesMax, GuardVerdict::kTooMany), true;
  }
  if (key == "vid") return stored_value_ = expect(Type::kUnsigned).number, true;
  if (key == "n4") return node_list(kNode4Bytes), true;
  if (key == "n6") return node_list(kNode6Bytes), true;
  if (key == "sa") return address(), true;
  if (key == "c") return unsigned_up_to(kUnixSecondsMax), true;
  if (key == "values") return values(), true;
  // The misspelt one is what versions up to 3 send.
  if (key == "fileds" || key == "fields") return fields(), true;
  if (key == "w") return array(kFamiliesMax, [&] { integer(); }), true;
  if (key == "ve") return unsigned_up_to(std::numeric_limits<std::int32_t>::max()), true;
  if (key != "exp" && key != "re") return false;
  return array(kArrayEntriesMax, [&] { expect(Type::kUnsigned); }), true;
}

Inspection Walker::envelope() {
  bool query = false, reply = false, push = false, error_list = false, parts = false;
  bool method = false, transaction_id = false, type = false;
  map(next(), [&](std::string_view key) {
    if (key == "a") return query = true, body();
    if (key == "r") return reply = true, body();
    if (key == "u") return push = true, body();
    if (key == "e") return error_list = true, error();
    if (key == "p") return parts = true, fragments();
    if (key == "t") return transaction_id = true, transaction();
    if (key == "y") return type = true, void(expect(Type::kText));
    if (key == "q") return method = true, void(expect(Type::kText));
    if (key == "v") return void(expect(Type::kText));
    if (key == "n") return unsigned_up_to(std::numeric_limits<std::uint32_t>::max());
    if (key == "s") return void(expect(Type::kBool));
    skip();
  });
  require(reader_.remaining() == 0, GuardVerdict::kMalformed);
  require(transaction_id && type, GuardVerdict::kMissingKey);
  // In the parser's order of precedence. An error without a body is read beyond its end.
  PacketKind kind = PacketKind::kQuery;
  if (error_list) {
    kind = PacketKind::kError;
    require(query || reply || push, GuardVerdict::kMissingKey);
  } else if (reply) {
    kind = PacketKind::kReply;
  } else if (parts) {
    kind = PacketKind::kFragment;
  } else if (push) {
    kind = PacketKind::kPush;
  } else {
    require(query && method, GuardVerdict::kMissingKey);
  }
  return {verdict_, kind, announced_values_, stored_value_};
}

GuardVerdict Walker::value_alone() {
  value(next());
  if (!cut_) require(reader_.remaining() == 0, GuardVerdict::kMalformed);
  return verdict_;
}

}  // namespace

Inspection inspect_packet(ByteView datagram) {
  if (datagram.empty()) return {GuardVerdict::kEmpty};
  if (datagram.size() > kPacketBytesMax) return {GuardVerdict::kTooLong};
  return Walker(datagram, Extent::kWhole).envelope();
}

std::string_view to_string(GuardVerdict verdict) {
  constexpr std::array<std::string_view, kGuardVerdicts> names{
      "accepted", "empty",         "too long",    "malformed",  "too deep",
      "too many", "duplicate key", "missing key", "wrong type", "wrong length"};
  return names[static_cast<std::size_t>(verdict)];
}

}  // namespace kadwire::dht
