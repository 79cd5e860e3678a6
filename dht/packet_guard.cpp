#include "dht/packet_guard.h"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "dht/msgpack_walker.h"

namespace kadwire::dht {
namespace {

constexpr std::size_t kHashBytes = 20;
constexpr std::size_t kNode4Bytes = kHashBytes + 4 + 2;  ///< id, address, port
constexpr std::size_t kNode6Bytes = kHashBytes + 16 + 2;
constexpr std::size_t kTransactionBytes = 4;
/// Address families wanted in a reply: two exist.
constexpr std::uint32_t kFamiliesMax = 8;
/// Fields a query may select: five exist.
constexpr std::uint32_t kFieldsMax = 16;
/// Year 2242. The parser turns seconds into nanoseconds of 64 bits; this stays clear of their end.
constexpr std::uint64_t kUnixSecondsMax = std::uint64_t{1} << 33;

using Type = MsgpackWalker::Type;
using Item = MsgpackWalker::Item;
using Extent = MsgpackWalker::Extent;

/// What OpenDHT's parser takes for granted, as a grammar over one datagram.
class Grammar {
 public:
  Grammar(ByteView bytes, Extent extent) : walk_(bytes, extent) {}

  Inspection envelope();
  /// A value on its own, as the fragments of it add up to.
  GuardVerdict value_alone();

 private:
  Item next() { return walk_.next(); }
  Item expect(Type type) { return walk_.expect(type); }
  void skip() { walk_.skip(); }
  void require(bool condition, GuardVerdict otherwise) { walk_.require(condition, otherwise); }

  void unsigned_up_to(std::uint64_t largest);
  ByteView binary_of(std::size_t bytes);
  std::uint32_t transaction();
  void address();
  ByteView token();
  ByteView node_list(std::size_t node_bytes);
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

  MsgpackWalker walk_;
  Inspection found_;
};

void Grammar::unsigned_up_to(std::uint64_t largest) {
  require(expect(Type::kUnsigned).number <= largest, GuardVerdict::kWrongType);
}

ByteView Grammar::binary_of(std::size_t bytes) {
  const ByteView binary = expect(Type::kBinary).bytes;
  require(binary.size() == bytes, GuardVerdict::kWrongType);
  return binary;
}

/// A number of 32 bits, or, from old nodes, its four bytes.
std::uint32_t Grammar::transaction() {
  const Item item = next();
  const bool number =
      item.type == Type::kUnsigned && item.number <= std::numeric_limits<std::uint32_t>::max();
  const bool binary = item.type == Type::kBinary && item.bytes.size() == kTransactionBytes;
  require(number || binary, GuardVerdict::kWrongType);
  return binary ? ByteReader(item.bytes).be32() : static_cast<std::uint32_t>(item.number);
}

void Grammar::address() {
  const std::size_t size = expect(Type::kBinary).bytes.size();
  require(size == 4 || size == 16, GuardVerdict::kWrongLength);
}

ByteView Grammar::token() {
  const ByteView token = expect(Type::kBinary).bytes;
  require(token.size() <= kTokenBytesMax, GuardVerdict::kTooMany);
  return token;
}

ByteView Grammar::node_list(std::size_t node_bytes) {
  const ByteView list = expect(Type::kBinary).bytes;
  require(list.size() % node_bytes == 0, GuardVerdict::kWrongLength);
  require(list.size() / node_bytes <= kNodesPerPacketMax, GuardVerdict::kTooMany);
  return list;
}

void Grammar::integer() {
  const Type type = next().type;
  require(type == Type::kUnsigned || type == Type::kNegative, GuardVerdict::kWrongType);
}

/// {s: [field …], w: [{f: field, v: value} …]}; both are needed.
void Grammar::query() {
  bool select = false;
  bool where = false;
  walk_.map(next(), [&](std::string_view key) {
    if (key == "s") {
      select = true;
      walk_.array(kFieldsMax, [&] { unsigned_up_to(0xff); });
    } else if (key == "w") {
      where = true;
      walk_.array(kFieldsMax, [&] { filter(); });
    } else {
      skip();
    }
  });
  require(select && where, GuardVerdict::kMissingKey);
}

void Grammar::filter() {
  bool field = false;
  bool content = false;
  walk_.map(next(), [&](std::string_view key) {
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
void Grammar::fields() {
  std::uint64_t columns = 0;
  std::optional<std::uint64_t> cells;
  walk_.map(next(), [&](std::string_view key) {
    if (key == "f") {
      std::uint64_t previous = 0;
      walk_.array(kFieldsMax, [&] {
        const std::uint64_t field = expect(Type::kUnsigned).number;
        require(field <= 0xff && field > previous, GuardVerdict::kWrongType);
        previous = field;
        ++columns;
      });
    } else if (key == "v") {
      cells = 0;
      walk_.array(kArrayEntriesMax, [&] {
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
void Grammar::values() {
  walk_.array(kArrayEntriesMax, [&] {
    const Item head = next();
    if (head.type != Type::kUnsigned) return value(head);
    ++found_.announced_values;
    require(found_.announced_values <= kAnnouncedValuesMax, GuardVerdict::kTooMany);
  });
}

void Grammar::value(const Item& head) {
  bool id = false;
  bool data = false;
  walk_.map(head, [&](std::string_view key) {
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
void Grammar::value_data(const Item& head) {
  if (head.type == Type::kBinary) return;
  bool content = false;
  walk_.map(head, [&](std::string_view key) {
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

void Grammar::value_body() {
  bool data = false;
  bool type = false;
  walk_.map(next(), [&](std::string_view key) {
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
void Grammar::error() {
  bool first = true;
  walk_.array(kFieldsMax, [&] {
    if (!std::exchange(first, false)) return skip();
    unsigned_up_to(0xffff);
  });
  require(!first, GuardVerdict::kWrongLength);
}

/// {index: {o: offset, d: bytes} …}: the one map whose keys are numbers.
void Grammar::fragments() {
  const Item head = expect(Type::kMap);
  require(head.number <= kMapEntriesMax, GuardVerdict::kTooMany);
  require(head.number > 0, GuardVerdict::kWrongLength);
  walk_.enter();
  for (std::uint64_t i = 0; i < head.number && !walk_.stopped(); ++i) {
    unsigned_up_to(kAnnouncedValuesMax);
    fragment();
  }
  walk_.leave();
}

/// The parser trusts a value put together from fragments as little as we let it: the first one must
/// be a value or its beginning.
void Grammar::fragment() {
  std::optional<std::uint64_t> offset;
  ByteView data;
  walk_.map(next(), [&](std::string_view key) {
    if (key == "o") {
      offset = expect(Type::kUnsigned).number;
      require(*offset <= kStringBytesMax, GuardVerdict::kTooMany);
    } else if (key == "d") {
      data = expect(Type::kBinary).bytes;
    } else {
      skip();
    }
  });
  require(offset.has_value() && !data.empty(), GuardVerdict::kMissingKey);
  if (walk_.stopped() || *offset != 0) return;
  const GuardVerdict verdict = Grammar(data, Extent::kPrefix).value_alone();
  require(verdict == GuardVerdict::kAccepted, verdict);
}

void Grammar::body() {
  bool id = false;
  walk_.map(next(), [&](std::string_view key) {
    id |= key == "id";
    if (!body_known(key)) skip();
  });
  require(id, GuardVerdict::kMissingKey);
}

/// Consumes the value of a key the parser knows.
bool Grammar::body_known(std::string_view key) {
  if (key == "id") return found_.sender = binary_of(kHashBytes), true;
  if (key == "h" || key == "target") return found_.key = binary_of(kHashBytes), true;
  if (key == "sid") return transaction(), true;
  if (key == "q") return query(), true;
  if (key == "token") return found_.token = token(), true;
  if (key == "vid") return found_.stored_value = expect(Type::kUnsigned).number, true;
  if (key == "n4") return found_.nodes4 = node_list(kNode4Bytes), true;
  if (key == "n6") return found_.nodes6 = node_list(kNode6Bytes), true;
  if (key == "sa") return address(), true;
  if (key == "c") return unsigned_up_to(kUnixSecondsMax), true;
  if (key == "values") return values(), true;
  // The misspelt one is what versions up to 3 send.
  if (key == "fileds" || key == "fields") return fields(), true;
  if (key == "w") return walk_.array(kFamiliesMax, [&] { integer(); }), true;
  if (key == "ve") return unsigned_up_to(std::numeric_limits<std::int32_t>::max()), true;
  if (key != "exp" && key != "re") return false;
  return walk_.array(kArrayEntriesMax, [&] { expect(Type::kUnsigned); }), true;
}

Inspection Grammar::envelope() {
  bool query = false, reply = false, push = false, error_list = false, parts = false;
  bool method = false, transaction_id = false, type = false;
  walk_.map(next(), [&](std::string_view key) {
    if (key == "a") return query = true, body();
    if (key == "r") return reply = true, body();
    if (key == "u") return push = true, body();
    if (key == "e") return error_list = true, error();
    if (key == "p") return parts = true, fragments();
    if (key == "t") return transaction_id = true, void(found_.transaction = transaction());
    if (key == "y") return type = true, void(expect(Type::kText));
    if (key == "q") return method = true, void(found_.method = as_text(expect(Type::kText).bytes));
    if (key == "v") return void(expect(Type::kText));
    if (key == "n") return unsigned_up_to(std::numeric_limits<std::uint32_t>::max());
    if (key == "s") return void(expect(Type::kBool));
    skip();
  });
  walk_.require_end();
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
  found_.verdict = walk_.verdict();
  found_.kind = kind;
  return found_;
}

GuardVerdict Grammar::value_alone() {
  value(next());
  walk_.require_end();
  return walk_.verdict();
}

}  // namespace

Inspection inspect_packet(ByteView datagram) {
  if (datagram.empty()) return {GuardVerdict::kEmpty};
  if (datagram.size() > kPacketBytesMax) return {GuardVerdict::kTooLong};
  return Grammar(datagram, Extent::kWhole).envelope();
}

std::string_view to_string(GuardVerdict verdict) {
  constexpr std::array<std::string_view, kGuardVerdicts> names{
      "accepted", "empty",         "too long",    "malformed",  "too deep",
      "too many", "duplicate key", "missing key", "wrong type", "wrong length"};
  return names[static_cast<std::size_t>(verdict)];
}

}  // namespace kadwire::dht
