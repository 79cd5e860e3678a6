#include "dht/sealed_value.h"

#include <gtest/gtest.h>

#include "tests/support/test_mesh.h"

namespace kadwire::dht {
namespace {

class SealedValue : public ::testing::Test {
 protected:
  /// A value whose plaintext is exactly `plaintext`, sealed as seal_value does.
  Bytes seal_plaintext(ByteView plaintext) {
    const Bytes associated =
        ByteWriter().text("kadwire value v1").be64(topic_.hour).u8(topic_.shard).take();
    return crypto::seal(mesh_.keys().record_seal_key(topic_.hour), plaintext, associated,
                        mesh_.random());
  }
  std::optional<Bytes> open(ByteView value) { return open_value(mesh_.keys(), topic_, value); }

  testing::TestMesh mesh_{1};
  Topic topic_ = topic_of(mesh_.keys(), 490'000);
};

TEST_F(SealedValue, GivesBackARecordOfEveryLength) {
  for (std::size_t size = 0; size <= kValueRecordBytesMax; ++size) {
    const Bytes record(size, std::byte{0});  // zeros: padding must not eat them
    const Bytes value = seal_value(mesh_.keys(), topic_, record, mesh_.random());
    ASSERT_EQ(value.size(), kSealedValueBytes);
    ASSERT_EQ(open(value), record);
  }
}

TEST_F(SealedValue, IsNewEveryTime) {
  const Bytes record(100, std::byte{1});
  EXPECT_NE(seal_value(mesh_.keys(), topic_, record, mesh_.random()),
            seal_value(mesh_.keys(), topic_, record, mesh_.random()));
}

TEST_F(SealedValue, RefusesAnyChangedByte) {
  const Bytes value = seal_value(mesh_.keys(), topic_, Bytes(200, std::byte{1}), mesh_.random());
  for (std::size_t i = 0; i < value.size(); ++i) {
    Bytes changed = value;
    changed[i] ^= std::byte{0x10};
    ASSERT_FALSE(open(changed)) << i;
  }
}

TEST_F(SealedValue, RefusesEveryOtherSize) {
  Bytes value = seal_value(mesh_.keys(), topic_, Bytes(200, std::byte{1}), mesh_.random());
  EXPECT_FALSE(open({}));
  EXPECT_FALSE(open(ByteView(value).first(kSealedValueBytes - 1)));
  value.push_back(std::byte{0});
  EXPECT_FALSE(open(value));
}

TEST_F(SealedValue, BelongsToOneHourShardAndMesh) {
  const Bytes value = seal_value(mesh_.keys(), topic_, Bytes(9, std::byte{1}), mesh_.random());
  const testing::TestMesh other(2);
  Topic shard = topic_;
  shard.shard = 1;
  EXPECT_FALSE(open_value(mesh_.keys(), topic_of(mesh_.keys(), topic_.hour + 1), value));
  EXPECT_FALSE(open_value(mesh_.keys(), shard, value));
  EXPECT_FALSE(open_value(other.keys(), topic_of(other.keys(), topic_.hour), value));
  EXPECT_TRUE(open(value));
}

TEST_F(SealedValue, FromAMemberWithALengthBeyondTheEndIsRefused) {
  Bytes plaintext(kSealedValueBytes - crypto::kSealOverheadBytes);
  const std::size_t most = plaintext.size() - 2;
  for (const std::size_t length : {most, most + 1, std::size_t{0xffff}}) {
    plaintext[0] = static_cast<std::byte>(length >> 8);
    plaintext[1] = static_cast<std::byte>(length & 0xff);
    EXPECT_EQ(open(seal_plaintext(plaintext)).has_value(), length == most) << length;
  }
}

TEST_F(SealedValue, FromAMemberWithPaddingThatIsNotZeroIsRefused) {
  Bytes plaintext(kSealedValueBytes - crypto::kSealOverheadBytes);
  plaintext[1] = std::byte{10};
  ASSERT_TRUE(open(seal_plaintext(plaintext)));
  for (const std::size_t at : {std::size_t{12}, std::size_t{100}, plaintext.size() - 1}) {
    Bytes marked = plaintext;
    marked[at] = std::byte{1};
    EXPECT_FALSE(open(seal_plaintext(marked))) << at;
  }
}

}  // namespace
}  // namespace kadwire::dht
