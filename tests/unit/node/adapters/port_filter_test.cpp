/// The kernel itself runs the programs here: on a pair of local sockets, where any bytes can stand
/// for a packet.

#include "node/adapters/port_filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "node/adapters/unique_fd.h"
#include "tests/support/udp_packets.h"

namespace kadwire::node {
namespace {

using kadwire::testing::frame_like;
using kadwire::testing::stun_request;
using kadwire::testing::udp_packet;
using kadwire::testing::wireguard_like;

constexpr std::uint16_t kListenPort = 51820;
constexpr WatchedPorts kPorts{kListenPort, 40000, 256};

/// A local datagram socket whose receiving end has the filter.
class FilteredPair {
 public:
  explicit FilteredPair(const FilterProgram& program) {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    sender_ = UniqueFd(ends[0]);
    receiver_ = UniqueFd(ends[1]);
    EXPECT_TRUE(attach_filter(receiver_.get(), program));
  }

  bool passes(ByteView packet) {
    // A filter that drops shows as a refused or a lost datagram: both leave nothing to read.
    (void)::send(sender_.get(), packet.data(), packet.size(), 0);
    std::array<std::byte, 2048> buffer;
    const ssize_t size = recv(receiver_.get(), buffer.data(), buffer.size(), 0);
    EXPECT_TRUE(size < 0 || static_cast<std::size_t>(size) == packet.size());
    return size >= 0;
  }

 private:
  UniqueFd sender_;
  UniqueFd receiver_;
};

class PortFilter : public ::testing::TestWithParam<AddressFamily> {
 protected:
  [[nodiscard]] bool v4() const { return GetParam() == AddressFamily::kIpv4; }
  [[nodiscard]] Bytes packet(std::uint16_t to_port, const Bytes& payload) const {
    const auto* from = v4() ? "192.0.2.1" : "2001:db8::1";
    const auto* to = v4() ? "192.0.2.2" : "2001:db8::2";
    return udp_packet({*IpAddress::parse(from), 1024}, {*IpAddress::parse(to), to_port}, payload);
  }
  FilteredPair pair_{port_filter(GetParam(), kPorts)};
};

TEST_P(PortFilter, PassesFramesAndStunToTheListenPort) {
  EXPECT_TRUE(pair_.passes(packet(kListenPort, frame_like("frame"))));
  EXPECT_TRUE(pair_.passes(packet(kListenPort, stun_request())));
}

TEST_P(PortFilter, DropsEveryMessageOfWireguard) {
  for (const int type : {1, 2, 3, 4}) {
    EXPECT_FALSE(pair_.passes(packet(kListenPort, wireguard_like(type)))) << type;
  }
}

TEST_P(PortFilter, PassesTheBlockOfSidePortsAndNoPortBesideIt) {
  const Bytes frame = frame_like("frame");
  EXPECT_FALSE(pair_.passes(packet(39999, frame)));
  EXPECT_TRUE(pair_.passes(packet(40000, frame)));
  EXPECT_TRUE(pair_.passes(packet(40255, frame)));
  EXPECT_FALSE(pair_.passes(packet(40256, frame)));
  EXPECT_FALSE(pair_.passes(packet(kListenPort + 1, frame)));
}

TEST_P(PortFilter, WithoutSidePortsPassesTheListenPortOnly) {
  FilteredPair pair(port_filter(GetParam(), {kListenPort, 0, 0}));
  EXPECT_TRUE(pair.passes(packet(kListenPort, frame_like("frame"))));
  EXPECT_FALSE(pair.passes(packet(40000, frame_like("frame"))));
  EXPECT_FALSE(pair.passes(packet(0, frame_like("frame"))));
}

TEST_P(PortFilter, DropsWhatOnlyBeginsLikeStun) {
  Bytes other_cookie = stun_request();
  other_cookie[7] ^= std::byte{1};
  EXPECT_FALSE(pair_.passes(packet(kListenPort, other_cookie)));
  Bytes high_bits = stun_request();
  high_bits[0] |= std::byte{0x40};
  EXPECT_FALSE(pair_.passes(packet(kListenPort, high_bits)));
  Bytes cut = stun_request();
  cut.resize(7);
  EXPECT_FALSE(pair_.passes(packet(kListenPort, cut)));
  EXPECT_FALSE(pair_.passes(packet(kListenPort, {})));
}

TEST_P(PortFilter, DropsFragmentsOptionsAndOtherProtocols) {
  const Bytes whole = packet(kListenPort, frame_like("frame"));
  Bytes other_protocol = whole;
  other_protocol[v4() ? 9 : 6] = std::byte{6};
  EXPECT_FALSE(pair_.passes(other_protocol));
  Bytes other_version = whole;
  other_version[0] = std::byte{0x55};
  EXPECT_FALSE(pair_.passes(other_version));
  if (!v4()) return;
  Bytes with_options = whole;
  with_options[0] = std::byte{0x46};
  EXPECT_FALSE(pair_.passes(with_options));
  Bytes first_fragment = whole;
  first_fragment[6] = std::byte{0x20};
  EXPECT_FALSE(pair_.passes(first_fragment));
  Bytes later_fragment = whole;
  later_fragment[7] = std::byte{1};
  EXPECT_FALSE(pair_.passes(later_fragment));
}

TEST_P(PortFilter, DropsThePacketOfTheOtherFamily) {
  const auto other = v4() ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
  FilteredPair pair(port_filter(other, kPorts));
  EXPECT_FALSE(pair.passes(packet(kListenPort, frame_like("frame"))));
}

TEST_P(PortFilter, DropsWhatEndsBeforeItsPayload) {
  const Bytes whole = packet(kListenPort, frame_like(""));
  EXPECT_TRUE(pair_.passes(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(pair_.passes(ByteView(whole).first(size))) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, PortFilter,
                         ::testing::Values(AddressFamily::kIpv4, AddressFamily::kIpv6),
                         [](const auto& parameters) {
                           return parameters.param == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
                         });

TEST(DeafFilter, PassesNothing) {
  FilteredPair pair(deaf_filter());
  EXPECT_FALSE(pair.passes(as_bytes("anything")));
}

TEST(WatchedPorts, AreTheListenPortAndTheBlock) {
  EXPECT_TRUE(kPorts.contains(kListenPort));
  EXPECT_TRUE(kPorts.contains(40000));
  EXPECT_TRUE(kPorts.contains(40255));
  EXPECT_FALSE(kPorts.contains(40256));
  EXPECT_FALSE(kPorts.contains(39999));
  EXPECT_FALSE(WatchedPorts{}.contains(0));
  const WatchedPorts last{0, 65535, 1};
  EXPECT_TRUE(last.contains(65535));
}

}  // namespace
}  // namespace kadwire::node
