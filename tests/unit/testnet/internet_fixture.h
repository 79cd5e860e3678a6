#pragma once

/// Hosts on a simulated internet that note what reaches them.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tools/testnet/internet/internet.h"
#include "tools/testnet/virtual_clock.h"

namespace kadwire::testnet {

struct Arrival {
  Duration after;  ///< since the test's beginning
  Endpoint from;
  Endpoint to;
  Bytes payload;
  bool operator==(const Arrival&) const = default;
};

class InternetTest : public testing::Test {
 protected:
  explicit InternetTest(std::uint64_t seed = 1) : internet(queue, seed) {
    internet.set_observer([this](HostId, const Packet&, Drop fate) { last_fate = fate; });
  }

  HostId add_host(const HostOptions& options = {}) {
    const HostId host = internet.add_host(options);
    listen(host);
    return host;
  }
  HostId add_host_behind(GatewayId gateway) { return add_host({.behind = gateway}); }
  void listen(HostId host) {
    internet.set_receiver(host, [this, host](const Packet& packet) {
      arrivals[host].push_back(
          {queue.now() - EventQueue::kStart, packet.from, packet.to, packet.payload});
    });
  }
  GatewayId add_gateway(std::string_view kind, std::optional<GatewayId> behind = {}) {
    return internet.add_gateway({.nat = find_nat_kind(kind).value(), .behind = behind});
  }
  IpAddress v4(HostId host) const { return address(host, AddressFamily::kIpv4); }
  IpAddress v6(HostId host) const { return address(host, AddressFamily::kIpv6); }

  /// Sends, waits for ten seconds and gives the fate.
  Drop send(HostId from, const Endpoint& to, std::size_t bytes = 100) {
    internet.send(from, kPort, to, Bytes(bytes));
    queue.run_for(10s);
    return last_fate;
  }
  Drop send(HostId from, HostId to) { return send(from, {v4(to), kPort}); }
  Drop send_v6(HostId from, HostId to) { return send(from, {v6(to), kPort}); }
  /// The source under which `server` sees a packet of this host.
  Endpoint seen_by(HostId server, HostId host) {
    EXPECT_EQ(send(host, server), Drop::kNone);
    return arrivals[server].back().from;
  }

  /// What reached the host last; nothing came: an empty one.
  Arrival last(HostId host) { return arrivals[host].empty() ? Arrival{} : arrivals[host].back(); }

  static constexpr std::uint16_t kPort = 5000;
  EventQueue queue{kWallStartDefault};
  Internet internet;
  std::map<HostId, std::vector<Arrival>> arrivals;
  Drop last_fate = Drop::kNone;

 private:
  IpAddress address(HostId host, AddressFamily family) const {
    for (const HostAddress& own : internet.addresses(host)) {
      if (own.prefix.address.family() == family) return own.prefix.address;
    }
    ADD_FAILURE() << "no address of this family";
    return {};
  }
};

}  // namespace kadwire::testnet
