#include "node/adapters/proxied_wireguard.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "node/adapters/asio_scheduler.h"
#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::node {
namespace {

using kadwire::testing::run_until;

const Endpoint kPeer = *Endpoint::parse("198.51.100.1:51820");

/// Keeps what it is told, and says what a test wants it to.
class RecordingDevice final : public WireguardDevice {
 public:
  void start(Handler given) override { handler = std::move(given); }
  void apply(std::vector<PeerChange> changes) override {
    for (PeerChange& change : changes) applied.push_back(std::move(change));
  }
  void request_snapshot() override { ++snapshots; }
  void set_addresses(std::vector<Prefix> given) override { addresses = std::move(given); }
  [[nodiscard]] std::uint16_t listen_port() const override { return 9; }

  Handler handler;
  std::vector<PeerChange> applied;
  std::vector<Prefix> addresses;
  int snapshots = 0;
};

std::unique_ptr<AsioDatagramSocket> opened(asio::io_context& context) {
  return std::move(*AsioDatagramSocket::open(context, 0));
}

class ProxiedWireguard : public ::testing::Test {
 protected:
  ProxiedWireguard() {
    device_.start([this](DeviceEvent event) { events_.push_back(std::move(event)); });
  }
  static SetPeer set_peer(const std::optional<Endpoint>& endpoint) {
    SetPeer change;
    change.config.endpoint = endpoint;
    return change;
  }
  /// Where WireGuard was told that its peer is.
  std::optional<Endpoint> told() {
    return std::get<SetPeer>(wireguard_.applied.back()).config.endpoint;
  }
  void report(const std::optional<Endpoint>& endpoint) {
    DeviceSnapshot snapshot;
    snapshot.peers.emplace_back().endpoint = endpoint;
    wireguard_.handler(std::move(snapshot));
  }
  std::optional<Endpoint> reported() {
    return std::get<DeviceSnapshot>(events_.back()).peers.front().endpoint;
  }
  void apply(PeerChange change) {
    std::vector<PeerChange> changes;
    changes.push_back(std::move(change));
    device_.apply(std::move(changes));
  }

  asio::io_context context_;
  AsioScheduler scheduler_{context_};
  RecordingDevice wireguard_;
  LoopbackFlows flows_{context_, scheduler_, [this](const Endpoint& to, ByteView datagram) {
                         port_.carry(to, datagram);
                       }};
  OwnPort port_{opened(context_), flows_};
  ProxiedDevice device_{wireguard_, flows_, port_.local_port()};
  std::vector<DeviceEvent> events_;
};

TEST_F(ProxiedWireguard, TellsWireguardOfLoopbackAndTheNodeOfTheRealEndpoint) {
  apply(set_peer(kPeer));
  ASSERT_TRUE(told());
  EXPECT_TRUE(told()->address.is_loopback());
  report(told());
  EXPECT_EQ(reported(), kPeer);
}

TEST_F(ProxiedWireguard, LeavesAPeersEndpointAloneWhereTheNodeDoes) {
  apply(set_peer(std::nullopt));
  EXPECT_EQ(told(), std::nullopt);
  report(std::nullopt);
  EXPECT_EQ(reported(), std::nullopt);
}

TEST_F(ProxiedWireguard, ShowsItsOwnPortAsWireguardsEvenAfterARestart) {
  EXPECT_EQ(device_.listen_port(), port_.local_port());
  wireguard_.handler(DeviceReady{10});
  EXPECT_EQ(std::get<DeviceReady>(events_.back()).listen_port, port_.local_port());
}

TEST_F(ProxiedWireguard, HandsOnWhatIsNotWireguardsAndOnlyThat) {
  std::vector<std::string> heard;
  port_.start([&](const Endpoint&, std::uint16_t to_port, ByteView datagram) {
    EXPECT_EQ(to_port, port_.local_port());
    heard.emplace_back(as_text(datagram));
  });
  const auto sender = opened(context_);
  const Endpoint to{*IpAddress::parse("127.0.0.1"), port_.local_port()};
  Bytes data(32);
  data[0] = std::byte{4};
  sender->send({to, data});
  const ByteView frame = as_bytes("frame");
  sender->send({to, Bytes(frame.begin(), frame.end())});
  ASSERT_TRUE(run_until(context_, [&] { return !heard.empty(); }));
  EXPECT_EQ(heard, std::vector<std::string>{"frame"});
  EXPECT_EQ(flows_.counters().in, 1U);
}

TEST_F(ProxiedWireguard, HasNoSidePorts) {
  EXPECT_FALSE(port_.open_side_ports());
}

}  // namespace
}  // namespace kadwire::node
