#include "node/adapters/uapi_codec.h"

#include <gtest/gtest.h>

#include <string>

namespace kadwire::node {
namespace {

const std::string kKeyA(64, 'a');
const std::string kKeyB(64, 'b');
const std::string kPsk(64, 'c');

crypto::WireguardKey key_of(const std::string& hex) {
  return {*to_array<32>(*from_hex(hex))};
}

crypto::SecretBytes secret_of(const std::string& hex) {
  return crypto::SecretBytes::copy_of(*from_hex(hex));
}

PeerConfig config_a() {
  return {key_of(kKeyA),
          Endpoint::parse("[2001:db8::1]:51820"),
          {*Prefix::parse("10.1.2.3/32"), *Prefix::parse("fd00::1/128")},
          std::chrono::seconds(25)};
}

const std::string kPeerA = "public_key=" + kKeyA + "\npreshared_key=" + kPsk +
                           "\nreplace_allowed_ips=true\nallowed_ip=10.1.2.3/32\n"
                           "allowed_ip=fd00::1/128\nendpoint=[2001:db8::1]:51820\n"
                           "persistent_keepalive_interval=25\n";

template <typename Change>
std::vector<PeerChange> one(Change change) {
  std::vector<PeerChange> changes;
  changes.emplace_back(std::move(change));
  return changes;
}

std::string plain(const WipedText& text) {
  return {text.begin(), text.end()};
}

TEST(UapiCodec, WritesAPeerWithItsKeepaliveLast) {
  EXPECT_EQ(plain(encode_changes(one(SetPeer{config_a(), secret_of(kPsk)}))),
            "set=1\n" + kPeerA + "\n");
}

TEST(UapiCodec, LeavesAnUnknownEndpointAsItIs) {
  PeerConfig config = config_a();
  config.endpoint.reset();
  const auto text = plain(encode_changes(one(SetPeer{config, secret_of(kPsk)})));
  EXPECT_EQ(text.find("endpoint"), std::string::npos);
}

TEST(UapiCodec, RenewsAPeerByRemovingAndAddingItInOneRequest) {
  EXPECT_EQ(plain(encode_changes(one(RenewPeer{config_a(), secret_of(kPsk)}))),
            "set=1\npublic_key=" + kKeyA + "\nremove=true\n" + kPeerA + "\n");
}

TEST(UapiCodec, WritesChangesInOrder) {
  auto changes = one(RemovePeer{key_of(kKeyB)});
  changes.emplace_back(SetPeer{config_a(), secret_of(kPsk)});
  EXPECT_EQ(plain(encode_changes(changes)),
            "set=1\npublic_key=" + kKeyB + "\nremove=true\n" + kPeerA + "\n");
}

TEST(UapiCodec, WritesDeviceRequests) {
  EXPECT_EQ(plain(encode_get()), "get=1\n\n");
  EXPECT_EQ(plain(encode_listen_port(51820)), "set=1\nlisten_port=51820\n\n");
  EXPECT_EQ(plain(encode_private_key(secret_of(kKeyA))),
            "set=1\nprivate_key=" + kKeyA + "\nreplace_peers=true\n\n");
}

TEST(UapiCodec, ReadsAWholeDevice) {
  const auto device = parse_get_reply("private_key=" + kKeyB + "\nlisten_port=51820\nfwmark=7\n" +
                                      "public_key=" + kKeyA + "\npreshared_key=" + kPsk +
                                      "\nprotocol_version=1\nendpoint=192.0.2.1:40000\n"
                                      "last_handshake_time_sec=1700000000\n"
                                      "last_handshake_time_nsec=123456789\n"
                                      "tx_bytes=148\nrx_bytes=18446744073709551615\n"
                                      "persistent_keepalive_interval=25\n"
                                      "allowed_ip=fd00::1/128\nallowed_ip=10.1.2.3/32\n"
                                      "public_key=" +
                                      kKeyB + "\nlast_handshake_time_sec=0\n" +
                                      "last_handshake_time_nsec=0\nerrno=0\n\n");
  ASSERT_TRUE(device) << describe(device.error());
  EXPECT_EQ(device->error_number, 0);
  EXPECT_EQ(device->listen_port, 51820);
  EXPECT_TRUE(device->private_key.equals(*from_hex(kKeyB)));
  ASSERT_EQ(device->peers.size(), 2u);
  const PeerStatus& first = device->peers[0];
  EXPECT_EQ(first.key, key_of(kKeyA));
  EXPECT_EQ(first.endpoint, Endpoint::parse("192.0.2.1:40000"));
  EXPECT_EQ(first.last_handshake, WallTime{std::chrono::milliseconds(1'700'000'000'123)});
  EXPECT_EQ(first.tx_bytes, 148u);
  EXPECT_EQ(first.rx_bytes, 18446744073709551615u);
  EXPECT_EQ(first.keepalive, std::chrono::seconds(25));
  EXPECT_EQ(first.allowed_ips,
            (std::vector{*Prefix::parse("10.1.2.3/32"), *Prefix::parse("fd00::1/128")}));
  const PeerStatus& second = device->peers[1];
  EXPECT_EQ(second.key, key_of(kKeyB));
  EXPECT_EQ(second.endpoint, std::nullopt);
  EXPECT_EQ(second.last_handshake, std::nullopt) << "the first peer's must not carry over";
  EXPECT_TRUE(second.allowed_ips.empty());
}

TEST(UapiCodec, ReadsADeviceThatWasNeverConfigured) {
  const auto device = parse_get_reply("errno=0\n\n");
  ASSERT_TRUE(device);
  EXPECT_TRUE(device->private_key.empty());
  EXPECT_EQ(device->listen_port, std::nullopt);
  EXPECT_TRUE(device->peers.empty());
}

TEST(UapiCodec, ReadsALinkLocalEndpointWithoutItsInterface) {
  const auto device =
      parse_get_reply("public_key=" + kKeyA + "\nendpoint=[fe80::1%eth0]:51820\nerrno=0\n\n");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->peers[0].endpoint, Endpoint::parse("[fe80::1]:51820"));
}

TEST(UapiCodec, SkipsKeysThatANewerDeviceMayAdd) {
  EXPECT_TRUE(parse_get_reply("flavour=new\npublic_key=" + kKeyA + "\nshade=blue\nerrno=0\n\n"));
}

TEST(UapiCodec, ReadsErrnoOfEitherSign) {
  EXPECT_EQ(parse_set_reply("errno=0\n\n"), 0);
  EXPECT_EQ(parse_set_reply("errno=-98\n\n"), 98);
  EXPECT_EQ(parse_set_reply("errno=22\n\n"), 22);
  EXPECT_EQ(parse_get_reply("errno=-5\n\n").value().error_number, 5);
}

TEST(UapiCodec, RefusesMalformedSetReplies) {
  EXPECT_EQ(parse_set_reply("").error(), UapiError::kIncomplete);
  EXPECT_EQ(parse_set_reply("\n\n").error(), UapiError::kBadLine);
  EXPECT_EQ(parse_set_reply("errno=0\n").error(), UapiError::kIncomplete);
  EXPECT_EQ(parse_set_reply("errno=\n\n").error(), UapiError::kBadValue);
  EXPECT_EQ(parse_set_reply("errno=0x1\n\n").error(), UapiError::kBadValue);
  EXPECT_EQ(parse_set_reply("errno=-2147483648\n\n").error(), UapiError::kBadValue);
  EXPECT_EQ(parse_set_reply("errno=0\nerrno=0\n\n").error(), UapiError::kBadLine);
  EXPECT_EQ(parse_set_reply("listen_port=1\nerrno=0\n\n").error(), UapiError::kBadLine);
}

struct BadReply {
  std::string name;
  std::string lines;  ///< in front of "errno=0"
  UapiError error;
};

class BadGetReply : public ::testing::TestWithParam<BadReply> {};

TEST_P(BadGetReply, IsRefused) {
  const auto device = parse_get_reply(GetParam().lines + "errno=0\n\n");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error(), GetParam().error) << describe(device.error());
}

const std::string kPeer = "public_key=" + kKeyA + "\n";

INSTANTIATE_TEST_SUITE_P(
    UapiCodec, BadGetReply,
    ::testing::Values(
        BadReply{"LineWithoutEquals", "private_key\n", UapiError::kBadLine},
        BadReply{"LineWithoutKey", "=1\n", UapiError::kBadLine},
        BadReply{"BlankLineInside", "listen_port=1\n\n", UapiError::kBadLine},
        BadReply{"ShortKey", "public_key=aa\n", UapiError::kBadValue},
        BadReply{"UpperCaseKey", "public_key=" + std::string(64, 'A') + "\n", UapiError::kBadValue},
        BadReply{"BadPrivateKey", "private_key=" + std::string(64, 'g') + "\n",
                 UapiError::kBadValue},
        BadReply{"PortOutOfRange", "listen_port=65536\n", UapiError::kBadValue},
        BadReply{"SignedPort", "listen_port=+1\n", UapiError::kBadValue},
        BadReply{"CounterOverflow", kPeer + "rx_bytes=18446744073709551616\n",
                 UapiError::kBadValue},
        BadReply{"NegativeCounter", kPeer + "tx_bytes=-1\n", UapiError::kBadValue},
        BadReply{"SecondOfNanoseconds", kPeer + "last_handshake_time_nsec=1000000000\n",
                 UapiError::kBadValue},
        BadReply{"EndpointWithoutPort", kPeer + "endpoint=192.0.2.1\n", UapiError::kBadValue},
        BadReply{"EndpointCutInItsZone", kPeer + "endpoint=[fe80::1%eth0:1\n",
                 UapiError::kBadValue},
        BadReply{"PrefixTooLong", kPeer + "allowed_ip=10.0.0.1/33\n", UapiError::kBadValue},
        BadReply{"KeepaliveOutOfRange", kPeer + "persistent_keepalive_interval=65536\n",
                 UapiError::kBadValue},
        BadReply{"AllowedIpBeforeAnyPeer", "allowed_ip=10.0.0.1/32\n", UapiError::kMisplaced},
        BadReply{"CounterBeforeAnyPeer", "rx_bytes=1\n", UapiError::kMisplaced},
        BadReply{"DeviceLineAfterAPeer", kPeer + "listen_port=1\n", UapiError::kMisplaced},
        BadReply{"LineTwice", kPeer + "rx_bytes=1\nrx_bytes=1\n", UapiError::kMisplaced}),
    [](const auto& suite) { return suite.param.name; });

TEST(UapiCodec, BoundsPeersAllowedIpsKeysAndLength) {
  std::string peers, prefixes = kPeer, keys;
  for (std::size_t i = 0; i <= kUapiPeersMax; ++i) peers += kPeer;
  for (std::size_t i = 0; i <= kUapiAllowedIpsMax; ++i) prefixes += "allowed_ip=10.0.0.1/32\n";
  for (std::size_t i = 0; i <= 64; ++i) keys += "key" + std::to_string(i) + "=\n";
  for (const std::string& lines : {peers, prefixes, keys}) {
    const auto device = parse_get_reply(lines + "errno=0\n\n");
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error(), UapiError::kTooMany);
  }
  const std::string endless(kUapiReplyBytesMax + 1, '\n');
  EXPECT_EQ(parse_get_reply(endless).error(), UapiError::kTooLong);
}

TEST(UapiCodec, KeepsTheFarthestHandshakeTimeWithoutOverflow) {
  const auto device =
      parse_get_reply(kPeer + "last_handshake_time_sec=18446744073709551615\nerrno=0\n\n");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->peers[0].last_handshake, wall_from_unix_milliseconds(~std::uint64_t{0}));
}

}  // namespace
}  // namespace kadwire::node
