/// Port mappings at a real gateway, Debian's miniupnpd on nftables:
///
///   alice ──lan── gateway ──wan── bob
///   192.168.7.20   .1  11.22.33.1   .2
///
/// The gateway forwards nothing from outside but what it maps. Its outer addresses are ordinary
/// ones, in the test's own network: miniupnpd maps for no documentation range.

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/upnp_port_mapper.h"
#include "rendezvous/port_mapping.h"
#include "tests/integration/lab_fixture.h"
#include "tools/lab/ping_board.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::lab {
namespace {

using rendezvous::MappingProtocol;
using rendezvous::PortMapping;

constexpr std::uint16_t kListenPort = 51820;
/// Far beyond any time-out of the logic under test; only a failure waits so long.
constexpr auto kPatience = 25s;
const IpAddress kInner = *IpAddress::parse("192.168.7.20");
const IpAddress kGateway = *IpAddress::parse("192.168.7.1");
const IpAddress kOuter = *IpAddress::parse("11.22.33.1");

/// Joins two hosts by a wire with an interface at each end.
struct WireEnd {
  const Host& host;
  const char* interface;
  const char* prefix;
};

class PortMappingAtMiniupnpd : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (IsSkipped()) return;
    alice_ = must(lab().add_host({.name = "alice"}));
    gateway_ = must(lab().add_host({.name = "gateway"}));
    bob_ = must(lab().add_host({.name = "bob"}));
    lay_wire({*alice_, "lan", "192.168.7.20/24"}, {*gateway_, "lan", "192.168.7.1/24"});
    lay_wire({*bob_, "wan", "11.22.33.2/24"}, {*gateway_, "wan", "11.22.33.1/24"});
    must(alice_->run({"ip", "route", "add", "default", "via", kGateway.to_string()}));
    must(gateway_->run({"sysctl", "-qw", "net.ipv4.ip_forward=1"}));
    must(alice_->in_network([&] {
      wireguard_ = std::move(*node::AsioDatagramSocket::open(context_, kListenPort));
      socket_ = std::move(
          *node::AsioDatagramSocket::open(context_, rendezvous::kGatewayAnnouncementPort));
    }));
    must(bob_->in_network(
        [&] { stranger_ = std::move(*node::AsioDatagramSocket::open(context_, 0)); }));
    wireguard_->start([this](const Endpoint& from, ByteView) { heard_from_ = from; });
    stranger_->start([](const Endpoint&, ByteView) {});
    socket_->start([this](const Endpoint& from, ByteView datagram) {
      mapping_.handle_datagram(now(), from, datagram);
    });
    mapper_.start(
        [this](const rendezvous::UpnpResult& result) { mapping_.handle_upnp(now(), result); });
  }

  /// A gateway that speaks only this; what it does not is dropped before it.
  void start_gateway(MappingProtocol only) {
    reset_rules();
    if (only == MappingProtocol::kNatPmp) {
      must(gateway_->run({"nft",
                          "table inet deaf { chain in { type filter hook input priority 0; "
                          "udp dport 5351 @th,64,8 2 drop; }; }"}));
    }
    const bool datagrams = only != MappingProtocol::kUpnp;
    const std::string text = std::string("ext_ifname=wan\nlistening_ip=lan\nsystem_uptime=no\n") +
                             "enable_natpmp=" + (datagrams ? "yes" : "no") +
                             "\nenable_upnp=" + (datagrams ? "no" : "yes") +
                             "\nsecure_mode=no\nuuid=3d18b618-d9a8-4f03-920d-cb7056e0eccf\n"
                             "allow 1024-65535 192.168.7.0/24 1024-65535\n";
    must(write_text(gateway_->outside("/run/miniupnpd.conf"), text));
    start_daemon();
    const auto log = gateway_->log_path("miniupnpd");  // "Listening for …", "… listening on …"
    ASSERT_TRUE(eventually([&] { return read_text(log).find("istening ") != std::string::npos; }));
  }
  void start_daemon() {
    daemon_ = must(gateway_->spawn(
        {"miniupnpd", "-d", "-f", "/run/miniupnpd.conf", "-P", "/run/miniupnpd.pid"}, "miniupnpd"));
  }
  /// The chains that miniupnpd fills; nothing else comes in from outside.
  void reset_rules() {
    must(gateway_->run({"nft",
                        "flush ruleset; table inet filter { "
                        "chain miniupnpd {}; chain prerouting_miniupnpd {}; "
                        "chain postrouting_miniupnpd {}; "
                        "chain forward { type filter hook forward priority 0; policy drop; "
                        "jump miniupnpd; iifname \"lan\" accept; ct state established accept; }; "
                        "chain prerouting { type nat hook prerouting priority -100; "
                        "jump prerouting_miniupnpd; }; "
                        "chain postrouting { type nat hook postrouting priority 100; "
                        "jump postrouting_miniupnpd; }; }"}));
  }
  [[nodiscard]] bool gateway_maps() {
    must(gateway_->run({"sh", "-c", "nft list ruleset > /run/rules"}));
    return read_text(gateway_->outside("/run/rules")).find("192.168.7.20") != std::string::npos;
  }

  void join() {
    const rendezvous::LocalAddress own{.prefix = {kInner, 24}, .interface = "lan"};
    mapping_.network_changed(now(), std::vector{kGateway}, std::vector{own}, kListenPort);
  }
  /// The real time, as far ahead as the test has turned the clock.
  [[nodiscard]] TimePoint now() const { return std::chrono::steady_clock::now() + ahead_; }

  bool eventually(const std::function<bool()>& condition) {
    return board_.run_until(
        [&] {
          mapping_.handle_timeout(now());
          while (const auto transmit = mapping_.poll_transmit()) socket_->send(*transmit);
          while (const auto request = mapping_.poll_upnp()) {
            must(alice_->in_network([&] { mapper_.request(*request); }));
          }
          context_.restart();
          context_.poll();
          return condition();
        },
        kPatience);
  }
  bool is_mapped_by(MappingProtocol protocol) {
    return eventually([&] { return !mapping_.candidates().empty(); }) &&
           mapping_.mapping()->protocol == protocol;
  }
  void send(const Transmit& transmit) { socket_->send(transmit); }
  /// A datagram from outside to the mapped endpoint reaches alice's port.
  bool arrives() {
    heard_from_.reset();
    const Endpoint to = mapping_.candidates().at(0).endpoint;
    stranger_->send({to, Bytes(20)});
    return eventually([&] { return heard_from_.has_value(); });
  }
  void expect_whole_life(MappingProtocol protocol) {
    start_gateway(protocol);
    EXPECT_FALSE(gateway_maps());
    join();
    ASSERT_TRUE(is_mapped_by(protocol));
    EXPECT_EQ(mapping_.candidates()[0].endpoint, (Endpoint{kOuter, kListenPort}));
    EXPECT_TRUE(gateway_maps());
    ASSERT_TRUE(arrives());
    EXPECT_EQ(heard_from_->address, *IpAddress::parse("11.22.33.2"));

    ahead_ += rendezvous::kMappingLease / 2;
    const TimePoint end = mapping_.mapping()->ends_at;
    ASSERT_TRUE(eventually([&] { return mapping_.mapping()->ends_at > end; }));
    EXPECT_TRUE(arrives());

    mapping_.remove(now());
    ASSERT_TRUE(eventually([&] { return mapping_.holds_nothing(); }));
    EXPECT_FALSE(gateway_maps());
  }

  Host* gateway_ = nullptr;
  Host* alice_ = nullptr;
  Host* bob_ = nullptr;
  asio::io_context context_;
  Duration ahead_{};
  testnet::SeededRandom random_{11};
  PortMapping mapping_{random_, {}};
  node::UpnpPortMapper mapper_{context_};
  std::optional<Process> daemon_;

 private:
  void lay_wire(const WireEnd& a, const WireEnd& b) {
    Process there = must(a.host.spawn({"sleep", "infinity"}, "wire"));
    Process beyond = must(b.host.spawn({"sleep", "infinity"}, "wire"));
    // Once they are what they were started as, they are also where they were started.
    ASSERT_TRUE(
        board_.run_until([&] { return is_sleeping(there) && is_sleeping(beyond); }, kPatience));
    must(run_command(
        {.argv = {"ip", "link", "add", a.interface, "netns", std::to_string(there.pid()), "type",
                  "veth", "peer", "name", b.interface, "netns", std::to_string(beyond.pid())},
         .output = "/run/lab/core.log"}));
    for (const WireEnd& end : {a, b}) {
      must(end.host.run({"sh", "-c",
                         std::string("ip link set eth0 down; ip link set ") + end.interface +
                             " up && ip address add " + end.prefix + " dev " + end.interface}));
    }
  }

  static bool is_sleeping(const Process& process) {
    return read_text("/proc/" + std::to_string(process.pid()) + "/comm") == "sleep\n";
  }

  PingBoard board_;
  std::unique_ptr<node::AsioDatagramSocket> wireguard_;  ///< stands for WireGuard's port
  std::unique_ptr<node::AsioDatagramSocket> socket_;
  std::unique_ptr<node::AsioDatagramSocket> stranger_;
  std::optional<Endpoint> heard_from_;
};

TEST_F(PortMappingAtMiniupnpd, PcpMapsRenewsAndLeavesNothingBehind) {
  expect_whole_life(MappingProtocol::kPcp);
}

TEST_F(PortMappingAtMiniupnpd, NatPmpMapsRenewsAndLeavesNothingBehind) {
  expect_whole_life(MappingProtocol::kNatPmp);
}

TEST_F(PortMappingAtMiniupnpd, UpnpMapsRenewsAndLeavesNothingBehind) {
  expect_whole_life(MappingProtocol::kUpnp);
}

TEST_F(PortMappingAtMiniupnpd, APortThatAnotherHostHoldsByUpnpIsLeftToIt) {
  start_gateway(MappingProtocol::kUpnp);
  must(alice_->run({"ip", "address", "add", "192.168.7.66/24", "dev", "lan"}));
  std::optional<rendezvous::UpnpResult> theirs;
  node::UpnpPortMapper other(context_);
  other.start([&](const rendezvous::UpnpResult& result) { theirs = result; });
  must(alice_->in_network([&] {
    other.request({1, rendezvous::UpnpAction::kMap, kGateway, *IpAddress::parse("192.168.7.66"),
                   kListenPort, kListenPort, rendezvous::kMappingLease});
  }));
  ASSERT_TRUE(eventually([&] { return theirs.has_value(); }));
  join();
  ASSERT_TRUE(is_mapped_by(MappingProtocol::kUpnp));
  EXPECT_NE(mapping_.candidates()[0].endpoint.port, kListenPort);
  EXPECT_TRUE(arrives());
}

TEST_F(PortMappingAtMiniupnpd, IsMappedAgainAtOnceAfterTheGatewaysRestart) {
  start_gateway(MappingProtocol::kPcp);
  join();
  ASSERT_TRUE(is_mapped_by(MappingProtocol::kPcp));
  ahead_ += 30s;  // so that the gateway's new epoch is seen to be behind
  daemon_->stop(2s);
  reset_rules();
  ASSERT_FALSE(gateway_maps());
  start_daemon();
  ASSERT_TRUE(eventually([&] { return gateway_maps(); }));
  EXPECT_TRUE(arrives());
}

/// A crashed process takes PCP's nonce with it, and the gateway keeps the mapping for that nonce.
TEST_F(PortMappingAtMiniupnpd, AfterACrashThePortIsMappedAgain) {
  start_gateway(MappingProtocol::kPcp);
  {
    testnet::SeededRandom earlier_random(5);
    PortMapping crashed(earlier_random, {});
    const rendezvous::LocalAddress own{.prefix = {kInner, 24}, .interface = "lan"};
    crashed.network_changed(now(), std::vector{kGateway}, std::vector{own}, kListenPort);
    send(*crashed.poll_transmit());
    ASSERT_TRUE(eventually([&] { return gateway_maps(); }));
  }
  join();
  ASSERT_TRUE(eventually([&] { return !mapping_.candidates().empty(); }));
  EXPECT_TRUE(arrives());
}

TEST_F(PortMappingAtMiniupnpd, BehindAGatewayThatDoesNotMapItAsksAndThenRests) {
  join();
  ASSERT_TRUE(eventually([&] { return mapping_.next_timeout() > now() + 25s; }));
  EXPECT_TRUE(mapping_.candidates().empty());
}

}  // namespace
}  // namespace kadwire::lab
