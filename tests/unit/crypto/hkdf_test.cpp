#include "crypto/hkdf.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace kadwire::crypto {
namespace {

using testing::hex_bytes;

TEST(Hkdf, AgreesWithRfc5869) {
  for (const auto& vector : testing::load_vector_list("rfc5869.json", "cases")) {
    const SecretBytes prk = hkdf_extract(hex_bytes(vector.at("salt")), hex_bytes(vector.at("ikm")));
    EXPECT_EQ(to_hex(prk.view()), vector.at("prk"));
    Bytes okm(hex_bytes(vector.at("okm")).size());
    hkdf_expand(prk.view(), hex_bytes(vector.at("info")), okm);
    EXPECT_EQ(to_hex(okm), vector.at("okm"));
  }
}

TEST(Hkdf, GivesAsMuchAsTheRfcAllows) {
  const SecretBytes prk = hkdf_extract({}, as_bytes("input"));
  Bytes longest(kHkdfOutputBytesMax);
  hkdf_expand(prk.view(), {}, longest);
  Bytes shortest(1);
  hkdf_expand(prk.view(), {}, shortest);
  EXPECT_EQ(longest.front(), shortest.front());
  EXPECT_NE(Bytes(longest.end() - 32, longest.end()), Bytes(32));
}

}  // namespace
}  // namespace kadwire::crypto
