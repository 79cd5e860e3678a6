#include "node/base/bytes.h"

#include <gtest/gtest.h>

namespace kadwire {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

TEST(Hex, WritesTwoLowerCaseDigitsAByte) {
  EXPECT_EQ(to_hex(bytes_of(std::string_view("\x00\x0f\xf0\xab", 4))), "000ff0ab");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Hex, ReadsBothCases) {
  EXPECT_EQ(from_hex("00aBfF"), bytes_of(std::string_view("\x00\xab\xff", 3)));
  EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(Hex, RefusesOddLengthsAndForeignCharacters) {
  for (const std::string_view text : {"0", "012", "0g", "0x", " 0", "-1", "\xff\xff"}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

struct TextForms {
  std::string_view plain, base64, base64url, base32;
};
// RFC 4648 §10, and three bytes that show the two alphabets apart.
constexpr TextForms kTextForms[] = {
    {"", "", "", ""},
    {"f", "Zg==", "Zg", "my"},
    {"fo", "Zm8=", "Zm8", "mzxq"},
    {"foo", "Zm9v", "Zm9v", "mzxw6"},
    {"foob", "Zm9vYg==", "Zm9vYg", "mzxw6yq"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE", "mzxw6ytb"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy", "mzxw6ytboi"},
    {"\xfb\xef\xff", "++//", "--__", "7px76"},
};

TEST(TextForm, AgreesWithRfc4648) {
  for (const TextForms& forms : kTextForms) {
    EXPECT_EQ(to_base64(as_bytes(forms.plain)), forms.base64);
    EXPECT_EQ(to_base64url(as_bytes(forms.plain)), forms.base64url);
    EXPECT_EQ(to_base32(as_bytes(forms.plain)), forms.base32);
    EXPECT_EQ(from_base64(forms.base64), bytes_of(forms.plain));
    EXPECT_EQ(from_base64url(forms.base64url), bytes_of(forms.plain));
  }
}

TEST(TextForm, RefusesWhatIsNotCanonicalBase64url) {
  // Padding, white space, the other alphabet, left-over bits, and a length no encoder writes.
  for (const std::string_view text :
       {"Zg==", "Zm8=", "Zm9v\n", " Zm9v", "++//", "Zh", "Zm9", "Z", "Zm9vY", "Zm9v*"}) {
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
  }
}

TEST(TextForm, RefusesBase64WithoutItsPaddingOrWithTooMuch) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Zm9v====", "Z===", "====", "=Zg=", "Zm=v", "Zh==", "--__"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(ToArray, GivesAnArrayOnlyForExactlyItsLength) {
  EXPECT_TRUE(to_array<3>(as_bytes("abc")).has_value());
  EXPECT_EQ((*to_array<3>(as_bytes("abc")))[2], std::byte{'c'});
  EXPECT_FALSE(to_array<3>(as_bytes("ab")).has_value());
  EXPECT_FALSE(to_array<3>(as_bytes("abcd")).has_value());
}

TEST(ByteWriter, WritesIntegersHighByteFirst) {
  ByteWriter writer;
  writer.u8(0x01).be16(0x0203).be32(0x04050607).be64(0x08090a0b0c0d0e0f).text("A").raw({});
  EXPECT_EQ(to_hex(writer.view()), "0102030405060708090a0b0c0d0e0f41");
  EXPECT_EQ(writer.size(), 16U);
}

TEST(ByteReader, ReadsBackWhatTheWriterWrote) {
  const Bytes bytes = ByteWriter()
                          .u8(0xff)
                          .be16(0xfedc)
                          .be32(0xdeadbeef)
                          .be64(0x0123456789abcdef)
                          .text("xy")
                          .take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 0xff);
  EXPECT_EQ(reader.be16(), 0xfedc);
  EXPECT_EQ(reader.be32(), 0xdeadbeef);
  EXPECT_EQ(reader.be64(), 0x0123456789abcdefULL);
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(as_text(reader.raw(2)), "xy");
  EXPECT_TRUE(reader.finished());
}

TEST(ByteReader, StaysFailedAfterTheFirstReadPastTheEnd) {
  const Bytes bytes = ByteWriter().u8(7).u8(8).u8(9).take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.be32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0U) << "a byte is left, but the input is not what it should be";
  EXPECT_TRUE(reader.raw(1).empty());
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_FALSE(reader.finished());
}

TEST(ByteReader, ReadsAnArrayOrZeroes) {
  const Bytes bytes = ByteWriter().u8(1).u8(2).take();
  ByteReader enough(bytes);
  EXPECT_EQ(enough.array<2>(), (ByteArray<2>{std::byte{1}, std::byte{2}}));
  ByteReader short_of(bytes);
  EXPECT_EQ(short_of.array<3>(), (ByteArray<3>{}));
  EXPECT_FALSE(short_of.ok());
}

TEST(ByteReader, IsNotFooledByACountNearTheLimitOfItsType) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_TRUE(reader.raw(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace kadwire
