#include "rendezvous/beacon.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/test_mesh.h"

namespace kadwire::rendezvous {
namespace {

constexpr Hour kHour = 490'000;

class BeaconTest : public ::testing::Test {
 protected:
  Bytes encode(ByteView record, Hour hour = kHour) {
    return encode_beacon(mesh_.keys(), frame_keys_, hour, record, mesh_.random());
  }
  std::optional<Bytes> open(ByteView beacon, Hour now = kHour) {
    return open_beacon(mesh_.keys(), frame_keys_, now, beacon);
  }

  kadwire::testing::TestMesh mesh_{1};
  FrameKeys frame_keys_{mesh_.keys()};
  const Bytes record_ = Bytes(300, std::byte{9});
};

TEST_F(BeaconTest, CarriesRecordsOfEverySizeInOneSize) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{300}, kRecordBytesMax}) {
    const Bytes record(size, std::byte{9});
    const Bytes beacon = encode(record);
    EXPECT_EQ(beacon.size(), kBeaconBytes);
    EXPECT_EQ(open(beacon), record);
  }
}

TEST_F(BeaconTest, OpensInItsHourAndTheOnesBeside) {
  EXPECT_TRUE(open(encode(record_), kHour - 1));
  EXPECT_TRUE(open(encode(record_), kHour + 1));
  EXPECT_FALSE(open(encode(record_), kHour + 2));
  EXPECT_FALSE(open(encode(record_), kHour + 256)) << "the low byte of the hour is the same";
}

TEST_F(BeaconTest, IsRefusedWithAnyByteChangedAndAtEveryOtherLength) {
  const Bytes beacon = encode(record_);
  for (std::size_t i = 0; i < beacon.size(); ++i) {
    Bytes changed = beacon;
    changed[i] ^= std::byte{0x20};
    EXPECT_FALSE(open(changed)) << i;
  }
  for (std::size_t length = 0; length < beacon.size(); ++length) {
    EXPECT_FALSE(open(ByteView(beacon).first(length))) << length;
  }
  Bytes longer = beacon;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(open(longer));
}

TEST_F(BeaconTest, IsNoOtherFrameOfTheSameSizeAndIsOfOneMesh) {
  const Bytes payload(kBeaconSealedBytes, std::byte{1});
  EXPECT_FALSE(open(encode_frame(FrameType::kBeacon, payload, kHour, frame_keys_)));
  EXPECT_FALSE(open(encode_frame(FrameType::kSession, payload, kHour, frame_keys_)));
  const kadwire::testing::TestMesh other(2);
  FrameKeys others(other.keys());
  EXPECT_FALSE(open_beacon(other.keys(), others, kHour, encode(record_)));
}

TEST_F(BeaconTest, ShowsAStrangerNothingThatComesAgain) {
  const Bytes first = encode(record_), second = encode(record_);
  const auto same = [&](std::size_t from) {
    return std::equal(first.begin() + static_cast<std::ptrdiff_t>(from),
                      first.begin() + static_cast<std::ptrdiff_t>(from) + 8,
                      second.begin() + static_cast<std::ptrdiff_t>(from));
  };
  for (std::size_t i = 4; i + 8 <= first.size(); ++i) EXPECT_FALSE(same(i)) << i;
  const crypto::NodeId id = mesh_.make_identity().node_id();
  const Bytes named = encode(ByteView(id.bytes));
  EXPECT_EQ(std::search(named.begin(), named.end(), id.bytes.begin(), id.bytes.end()), named.end());
}

}  // namespace
}  // namespace kadwire::rendezvous
