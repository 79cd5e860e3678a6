#include "rendezvous/frame.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::hex_bytes;
using kadwire::testing::load_vectors;

crypto::KeySchedule schedule_of(ByteView ikm) {
  return crypto::KeySchedule({crypto::SecretBytes::copy_of(ikm), std::nullopt});
}

class FrameTest : public ::testing::Test {
 protected:
  static constexpr Hour kHour = 489'900;
  static constexpr FrameType kType{9};

  FrameError error_of(ByteView datagram, Hour now = kHour) {
    const auto frame = open_frame(datagram, now, keys_);
    EXPECT_FALSE(frame.has_value());
    return frame ? FrameError{} : frame.error();
  }

  crypto::KeySchedule schedule_ = schedule_of(Bytes(32, std::byte{7}));
  FrameKeys keys_{schedule_};
  Bytes frame_ = encode_frame(kType, as_bytes("hello"), kHour, keys_);
};

TEST_F(FrameTest, GivesBackWhatWasPutIn) {
  const auto frame = open_frame(frame_, kHour, keys_);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, kType);
  EXPECT_EQ(frame->hour, kHour);
  EXPECT_EQ(as_text(frame->payload), "hello");
}

TEST_F(FrameTest, OpensOneHourEarlyAndLateAndNoFurther) {
  EXPECT_TRUE(open_frame(frame_, kHour - 1, keys_).has_value());
  EXPECT_TRUE(open_frame(frame_, kHour + 1, keys_).has_value());
  EXPECT_EQ(error_of(frame_, kHour - 2), FrameError::kWrongHour);
  EXPECT_EQ(error_of(frame_, kHour + 2), FrameError::kWrongHour);
}

TEST_F(FrameTest, RefusesTheSameHourByteOfAnotherDay) {
  EXPECT_EQ(error_of(frame_, kHour + 256), FrameError::kBadTag);
}

TEST_F(FrameTest, KnowsNoHourBeforeTheFirst) {
  Bytes frame = encode_frame(kType, {}, 255, keys_);
  EXPECT_EQ(error_of(frame, 0), FrameError::kWrongHour);
}

TEST_F(FrameTest, RefusesAChangeOfAnyBit) {
  for (std::size_t i = 0; i < frame_.size() * 8; ++i) {
    Bytes changed = frame_;
    changed[i / 8] ^= static_cast<std::byte>(1 << (i % 8));
    EXPECT_FALSE(open_frame(changed, kHour, keys_).has_value()) << "bit " << i;
  }
}

TEST_F(FrameTest, RefusesAFrameOfAnotherMesh) {
  const crypto::KeySchedule other = schedule_of(Bytes(32, std::byte{8}));
  FrameKeys other_keys(other);
  EXPECT_EQ(error_of(encode_frame(kType, as_bytes("hello"), kHour, other_keys)),
            FrameError::kBadTag);
}

TEST_F(FrameTest, RefusesEveryCutAndAnOverlongDatagram) {
  for (std::size_t size = 0; size < frame_.size(); ++size) {
    EXPECT_FALSE(open_frame(ByteView(frame_).first(size), kHour, keys_).has_value()) << size;
  }
  EXPECT_EQ(error_of(Bytes(kFrameBytesMax + 1, kFrameVersion1)), FrameError::kMalformed);
}

TEST_F(FrameTest, CarriesTheLargestPayload) {
  const Bytes largest(kFramePayloadBytesMax, std::byte{1});
  const Bytes frame = encode_frame(kType, largest, kHour, keys_);
  EXPECT_EQ(frame.size(), kFrameBytesMax);
  EXPECT_TRUE(open_frame(frame, kHour, keys_).has_value());
}

TEST_F(FrameTest, IsToldApartFromStunAndWireguardByItsFirstByte) {
  EXPECT_TRUE(looks_like_frame(frame_));
  for (unsigned first = 0; first < 0x80; ++first) {
    frame_[0] = static_cast<std::byte>(first);
    EXPECT_FALSE(looks_like_frame(frame_));
    EXPECT_EQ(error_of(frame_), FrameError::kForeign);
  }
}

TEST_F(FrameTest, KeepsTheKeysOfManyHoursApart) {
  for (Hour hour = kHour; hour < kHour + 20; ++hour) {
    const Bytes frame = encode_frame(kType, as_bytes("x"), hour, keys_);
    EXPECT_TRUE(open_frame(frame, hour, keys_).has_value()) << hour;
  }
}

TEST(FrameVectors, AgreeWithTheIndependentImplementation) {
  const auto vectors = load_vectors("frame.json");
  const auto schedule = schedule_of(hex_bytes(vectors["ikm"]));
  FrameKeys keys(schedule);
  const Hour hour = vectors["hour"];
  ASSERT_FALSE(vectors["frames"].empty());
  for (const auto& vector : vectors["frames"]) {
    const FrameType type{vector["type"].get<std::uint8_t>()};
    const Bytes payload = hex_bytes(vector["payload"]);
    EXPECT_EQ(to_hex(encode_frame(type, payload, hour, keys)), vector["frame"]);
    const Bytes datagram = hex_bytes(vector["frame"]);
    const auto frame = open_frame(datagram, hour, keys);
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->type, type);
    EXPECT_EQ(to_hex(frame->payload), vector["payload"]);
  }
}

}  // namespace
}  // namespace kadwire::rendezvous
