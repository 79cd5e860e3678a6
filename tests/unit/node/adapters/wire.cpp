#include "tests/unit/node/adapters/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>

#include <cstring>
#include <string>

#include "node/adapters/udp_packet.h"
#include "tests/unit/node/adapters/own_network.h"

namespace kadwire::testing {
namespace {

constexpr std::size_t kPacketBytesMax = 65536;

bool is_icmp_error(ByteView packet) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(packet[i]); };
  if (packet.size() > 20 && at(0) == 0x45 && at(9) == IPPROTO_ICMP) return at(20) == ICMP_UNREACH;
  return packet.size() > 40 && at(0) >> 4 == 6 && at(6) == IPPROTO_ICMPV6 &&
         at(40) == ICMP6_DST_UNREACH;
}

}  // namespace

Wire::Wire() : tun_(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
  ifreq request{};
  std::strncpy(request.ifr_name, kWireInterface, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  EXPECT_EQ(::ioctl(tun_.get(), TUNSETIFF, &request), 0);
  const std::string name = kWireInterface;
  run_command("ip addr add " + std::string(kWireIpv4) + "/24 dev " + name);
  run_command("ip addr add " + std::string(kWireIpv6) + "/64 dev " + name + " nodad");
  run_command("ip link set " + name + " up");
  run_command("ip route add default dev " + name);
  run_command("ip -6 route add default dev " + name);
}

void Wire::arrive(ByteView packet) {
  EXPECT_EQ(::write(tun_.get(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
}

std::optional<Bytes> Wire::take() {
  Bytes packet(kPacketBytesMax);
  const ssize_t size = ::read(tun_.get(), packet.data(), packet.size());
  if (size < 0) return std::nullopt;
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

std::optional<Bytes> Wire::take_udp() {
  while (auto packet = take()) {
    if (node::parse_udp_packet(*packet)) return packet;
  }
  return std::nullopt;
}

int Wire::take_icmp_errors() {
  int count = 0;
  while (const auto packet = take()) count += is_icmp_error(*packet) ? 1 : 0;
  return count;
}

}  // namespace kadwire::testing
