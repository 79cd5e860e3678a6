#include "dht/packet_guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace kadwire::dht {
namespace {

/// Builds msgpack by hand, as right or as wrong as a test wants it.
std::string map(std::size_t entries) {
  return {static_cast<char>(0x80 | entries)};
}
std::string list(std::size_t entries) {
  return {static_cast<char>(0x90 | entries)};
}
std::string text(std::string_view value) {
  return static_cast<char>(0xa0 | value.size()) + std::string(value);
}
std::string number(std::uint32_t value) {
  return '\xce' + std::string(as_text(ByteWriter().be32(value).view()));
}
std::string binary(std::size_t size) {
  return '\xc5' + std::string(as_text(ByteWriter().be16(static_cast<std::uint16_t>(size)).view())) +
         std::string(size, '\x07');
}
std::string id() {
  return text("id") + binary(20);
}
std::string tail(std::string_view type) {
  return text("t") + number(5) + text("y") + text(type);
}
/// A reply whose body has the id and `more`, which holds `entries` keys with their values.
std::string reply(const std::string& more = {}, std::size_t entries = 0) {
  return map(3) + text("r") + map(1 + entries) + id() + more + tail("r");
}
std::string query(std::string_view method, const std::string& more, std::size_t entries) {
  return map(4) + text("a") + map(1 + entries) + id() + more + text("q") + text(method) + tail("q");
}
/// What stands under "values" for one value with this body.
std::string value_of(const std::string& body) {
  return map(2) + text("id") + number(9) + text("dat") + map(1) + text("body") + body;
}
std::string good_value() {
  return value_of(map(2) + text("type") + '\x00' + text("data") + binary(100));
}
std::string fragment(std::uint32_t offset, const std::string& data) {
  const std::string size(
      as_text(ByteWriter().be16(static_cast<std::uint16_t>(data.size())).view()));
  return map(3) + text("p") + map(1) + '\x00' + map(2) + text("o") + number(offset) + text("d") +
         '\xc5' + size + data + tail("v");
}

GuardVerdict verdict(std::string_view packet) {
  return inspect_packet(as_bytes(packet)).verdict;
}

TEST(PacketGuard, AcceptsEachKindOfPacket) {
  const struct {
    std::string packet;
    PacketKind kind;
  } cases[] = {
      {query("ping", "", 0), PacketKind::kQuery},
      {query("find", text("target") + binary(20) + text("w") + list(2) + "\x02\x0a", 2),
       PacketKind::kQuery},
      {query("put", text("values") + list(1) + good_value() + text("token") + binary(32), 2),
       PacketKind::kQuery},
      {reply(), PacketKind::kReply},
      {reply(text("n4") + binary(26) + text("n6") + binary(76), 2), PacketKind::kReply},
      {map(3) + text("u") + map(2) + id() + text("exp") + list(1) + number(3) + tail("r"),
       PacketKind::kPush},
      {map(4) + text("e") + list(2) + number(404) + text("gone") + text("r") + map(1) + id() +
           tail("e"),
       PacketKind::kError},
      {fragment(0, good_value()), PacketKind::kFragment},
  };
  for (const auto& each : cases) {
    const Inspection inspection = inspect_packet(as_bytes(each.packet));
    EXPECT_EQ(to_string(inspection.verdict), "accepted") << to_hex(as_bytes(each.packet));
    EXPECT_EQ(inspection.kind, each.kind);
  }
}

TEST(PacketGuard, RefusesThePacketsThatKill) {
  EXPECT_EQ(verdict("\x81\xa1"
                    "e\x90"),
            GuardVerdict::kWrongLength)
      << "an empty error";
  EXPECT_EQ(verdict(map(3) + text("r") + number(1) + tail("r")), GuardVerdict::kWrongType)
      << "a number as the reply";
  EXPECT_EQ(verdict(reply(text("fileds") + map(2) + text("f") + list(0) + text("v") + list(0), 1)),
            GuardVerdict::kWrongLength)
      << "no fields";
}

TEST(PacketGuard, AcceptsEverythingThatRealNodesSentAndNoneOfTheKills) {
  std::size_t captured = 0;
  const std::filesystem::path corpus = std::filesystem::path(KADWIRE_FUZZ_CORPUS) / "packet_guard";
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string packet{std::istreambuf_iterator<char>(file), {}};
    const std::string name = entry.path().filename();
    if (name.starts_with("captured")) {
      EXPECT_EQ(to_string(verdict(packet)), "accepted") << name;
      ++captured;
    } else if (name.starts_with("kill")) {
      EXPECT_NE(verdict(packet), GuardVerdict::kAccepted) << name;
    }
  }
  EXPECT_GE(captured, 30U);
}

TEST(PacketGuard, RefusesEveryTruncationAndWhatFollowsTheEnd) {
  const std::string whole = query("put", text("values") + list(1) + good_value(), 1);
  ASSERT_EQ(verdict(whole), GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(""), GuardVerdict::kEmpty);
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_NE(verdict(whole.substr(0, length)), GuardVerdict::kAccepted) << length;
  }
  EXPECT_EQ(verdict(whole + '\x00'), GuardVerdict::kMalformed);
}

TEST(PacketGuard, RefusesWhatNoDatagramHolds) {
  std::string large = reply(text("x") + '\xc6' + std::string("\x00\x01\x00\x00", 4), 1);
  large.resize(kPacketBytesMax + 1);
  EXPECT_EQ(verdict(large), GuardVerdict::kTooLong);
}

TEST(PacketGuard, UnknownKeysPassIfTheyAreWellFormed) {
  EXPECT_EQ(verdict(reply(text("new") + map(1) + number(1) + list(2) + "\xc0\xc3", 1)),
            GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(map(4) + text("zz") + "\xcb" + std::string(8, 'x') + text("r") + map(1) + id() +
                    tail("r")),
            GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(reply(text("new") + "\xc1", 1)), GuardVerdict::kMalformed);
}

TEST(PacketGuard, RefusesAKeyThatComesTwice) {
  EXPECT_EQ(verdict(reply(id(), 1)), GuardVerdict::kDuplicateKey);
  EXPECT_EQ(verdict(map(4) + text("r") + map(1) + id() + text("r") + map(1) + id() + tail("r")),
            GuardVerdict::kDuplicateKey);
  // The same key in another encoding of its length.
  EXPECT_EQ(verdict(reply("\xd9\x02id" + binary(20), 1)), GuardVerdict::kDuplicateKey);
}

TEST(PacketGuard, RefusesNestingAndCountsBeyondTheirBounds) {
  std::string deep;
  for (unsigned i = 0; i < kPacketDepthMax; ++i) deep += list(1);
  EXPECT_EQ(verdict(reply(text("x") + deep + '\xc0', 1)), GuardVerdict::kTooDeep);
  EXPECT_EQ(verdict(reply(text("x") + std::string("\xdd\xff\xff\xff\xff", 5), 1)),
            GuardVerdict::kTooMany);
  EXPECT_EQ(verdict(reply(text("x") + std::string("\xdc\x10\x00", 3), 1)), GuardVerdict::kMalformed)
      << "a count without its elements";
  EXPECT_EQ(verdict(reply(text("n4") + binary(26 * (kNodesPerPacketMax + 1)), 1)),
            GuardVerdict::kTooMany);
  EXPECT_EQ(verdict(reply(text("token") + binary(kTokenBytesMax + 1), 1)), GuardVerdict::kTooMany);
}

TEST(PacketGuard, RequiresWhatTheParserTakesForGranted) {
  const std::string body = text("r") + map(1) + id();
  EXPECT_EQ(verdict(map(2) + body + text("t") + number(5)), GuardVerdict::kMissingKey) << "no y";
  EXPECT_EQ(verdict(map(2) + body + text("y") + text("r")), GuardVerdict::kMissingKey) << "no t";
  EXPECT_EQ(verdict(map(3) + text("r") + map(0) + tail("r")), GuardVerdict::kMissingKey) << "no id";
  EXPECT_EQ(verdict(map(2) + tail("q")), GuardVerdict::kMissingKey) << "no body";
  EXPECT_EQ(verdict(map(3) + text("a") + map(1) + id() + tail("q")), GuardVerdict::kMissingKey)
      << "no method";
  EXPECT_EQ(verdict(map(3) + text("e") + list(1) + number(1) + tail("e")),
            GuardVerdict::kMissingKey)
      << "an error without a body";
}

TEST(PacketGuard, RequiresTheTypeOfEachKnownKey) {
  const std::pair<std::string_view, std::string> wrong[] = {{"h", binary(19)},
                                                            {"target", number(1)},
                                                            {"sid", binary(3)},
                                                            {"q", list(0)},
                                                            {"token", number(1)},
                                                            {"vid", text("5")},
                                                            {"n4", text("x")},
                                                            {"n6", number(1)},
                                                            {"c", std::string("\xff")},
                                                            {"values", number(1)},
                                                            {"exp", map(0)},
                                                            {"re", list(1) + "\xff"},
                                                            {"fileds", list(0)},
                                                            {"w", number(2)},
                                                            {"ve", text("1")},
                                                            {"values", list(1) + text("x")}};
  for (const auto& [key, value] : wrong) {
    EXPECT_EQ(verdict(reply(text(key) + value, 1)), GuardVerdict::kWrongType) << key;
  }
  EXPECT_EQ(verdict(reply(text("sa") + binary(5), 1)), GuardVerdict::kWrongLength);
  EXPECT_EQ(verdict(reply(text("n4") + binary(25), 1)), GuardVerdict::kWrongLength);
  EXPECT_EQ(verdict(reply(text("n6") + binary(26), 1)), GuardVerdict::kWrongLength);
}

TEST(PacketGuard, RefusesATimeThatOverflowsNanoseconds) {
  const auto created = [](std::uint64_t seconds) {
    return reply(text("c") + '\xcf' + std::string(as_text(ByteWriter().be64(seconds).view())), 1);
  };
  EXPECT_EQ(verdict(created(1'767'225'600)), GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(created(~std::uint64_t{0})), GuardVerdict::kWrongType);
}

TEST(PacketGuard, RefusesFieldListsThatDoNotDivide) {
  const auto fields = [](const std::string& names, const std::string& cells) {
    return reply(text("fileds") + map(2) + text("f") + names + text("v") + cells, 1);
  };
  EXPECT_EQ(verdict(fields(list(2) + "\x01\x04", list(4) + "\x01\x02\x03\x04")),
            GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(fields(list(2) + "\x01\x04", list(3) + "\x01\x02\x03")),
            GuardVerdict::kWrongLength);
  EXPECT_EQ(verdict(fields(list(2) + "\x01\x01", list(2) + "\x01\x02")), GuardVerdict::kWrongType)
      << "the parser would count the same field once";
  EXPECT_EQ(verdict(reply(text("fileds") + map(1) + text("f") + list(1) + "\x01", 1)),
            GuardVerdict::kMissingKey);
}

TEST(PacketGuard, LooksIntoValues) {
  const auto put = [](const std::string& value) {
    return verdict(query("put", text("values") + list(1) + value, 1));
  };
  EXPECT_EQ(put(good_value()), GuardVerdict::kAccepted);
  EXPECT_EQ(put(map(2) + text("id") + number(9) + text("dat") + binary(50)),
            GuardVerdict::kAccepted)
      << "an encrypted one";
  EXPECT_EQ(put(map(1) + text("id") + number(9)), GuardVerdict::kMissingKey);
  EXPECT_EQ(put(value_of(map(1) + text("data") + binary(1))), GuardVerdict::kMissingKey);
  EXPECT_EQ(put(value_of(map(2) + text("type") + number(0x10000) + text("data") + binary(1))),
            GuardVerdict::kWrongType);
  EXPECT_EQ(put(value_of(map(3) + text("type") + '\x01' + text("data") + binary(1) + text("to") +
                         binary(4))),
            GuardVerdict::kWrongType);
}

TEST(PacketGuard, CountsAnnouncedValuesAndBoundsThem) {
  const auto announce = [](std::uint16_t count) {
    return reply(text("values") + '\xdc' + std::string(as_text(ByteWriter().be16(count).view())) +
                     std::string(count, '\x64'),
                 1);
  };
  EXPECT_EQ(inspect_packet(as_bytes(announce(100))).announced_values, 100U);
  EXPECT_EQ(verdict(announce(kAnnouncedValuesMax)), GuardVerdict::kAccepted);
  EXPECT_EQ(verdict(announce(kAnnouncedValuesMax + 1)), GuardVerdict::kTooMany);
}

TEST(PacketGuard, AFirstFragmentMustBeginAValue) {
  const std::string whole = good_value();
  for (std::size_t length = 1; length <= whole.size(); ++length) {
    EXPECT_EQ(verdict(fragment(0, whole.substr(0, length))), GuardVerdict::kAccepted) << length;
  }
  EXPECT_EQ(verdict(fragment(50, "anything")), GuardVerdict::kAccepted) << "a later one";
  EXPECT_EQ(verdict(fragment(0, "anything")), GuardVerdict::kWrongType);
  EXPECT_EQ(verdict(fragment(0, whole + '\x00')), GuardVerdict::kMalformed);
  EXPECT_EQ(verdict(fragment(0, std::string("\xdd\xff\xff\xff\xff", 5))), GuardVerdict::kTooMany);
  EXPECT_EQ(verdict(fragment(0, "")), GuardVerdict::kMissingKey);
}

TEST(PacketGuard, EveryVerdictHasAName) {
  for (std::size_t i = 0; i < kGuardVerdicts; ++i) {
    EXPECT_FALSE(to_string(static_cast<GuardVerdict>(i)).empty()) << i;
  }
}

}  // namespace
}  // namespace kadwire::dht
