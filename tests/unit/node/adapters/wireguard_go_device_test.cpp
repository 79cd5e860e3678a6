#include "node/adapters/wireguard_go_device.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/rtnetlink.h"
#include "tests/unit/node/adapters/own_network.h"
#include "tests/unit/node/adapters/wireguard_go_fixture.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;
using kadwire::testing::changes;
using kadwire::testing::identity;
using kadwire::testing::in_own_network;
using kadwire::testing::options_of;
using kadwire::testing::process_behind;
using kadwire::testing::run_until;
using kadwire::testing::RunningDevice;
using kadwire::testing::shared_psk;
using Clock = std::chrono::steady_clock;

/// WireGuard repeats an initiation that nobody answers after 5 s: what comes sooner is no
/// repetition.
constexpr auto kBeforeRetry = 4s;
/// The size of WireGuard's handshake initiation, its message type 1.
constexpr std::size_t kInitiationBytes = 148;
constexpr int kOpenedTimesMax = 5;

std::optional<Link> link_now(std::string_view name) {
  return Rtnetlink::open().value().find_link(name).value();
}

std::vector<Prefix> addresses_now(std::string_view interface) {
  auto netlink = Rtnetlink::open().value();
  const auto link = netlink.find_link(interface).value();
  std::vector<Prefix> result;
  const auto all = netlink.addresses().value();
  for (const InterfaceAddress& address : all) {
    if (!link || address.link_index != link->index || address.prefix.address.is_link_local()) {
      continue;
    }
    result.push_back(address.prefix);
  }
  std::ranges::sort(result);
  return result;
}

PeerConfig peer(const crypto::NodeIdentity& other, std::optional<std::uint16_t> port,
                std::string_view allowed_ip = "10.1.0.2/32") {
  PeerConfig config;
  config.key = other.wireguard_key();
  if (port) config.endpoint = Endpoint{*IpAddress::parse("127.0.0.1"), *port};
  config.allowed_ips = {*Prefix::parse(allowed_ip)};
  config.keepalive = std::chrono::seconds(port ? 25 : 0);
  return config;
}

/// Stops the process that serves the interface; returns once all its threads stand still.
int halt(const std::string& interface) {
  const int pid = process_behind(interface);
  EXPECT_EQ(kill(pid, SIGSTOP), 0);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  EXPECT_TRUE(WIFSTOPPED(status));
  return pid;
}

/// From here on this thread deletes no file in /run; what it has started still does.
void write_protect_run() {
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount(nullptr, "/run", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
}

TEST(WireguardGoDevice, StandsWithinASecond) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    // A few times: a busy machine may hold up any one of them.
    auto quickest = Clock::duration::max();
    for (int i = 0; i < kOpenedTimesMax && quickest >= 1s; ++i) {
      const auto began = Clock::now();
      RunningDevice running(context, options_of(identity(1)));
      quickest = std::min(quickest, Clock::now() - began);
      ASSERT_TRUE(running.device) << running.error;
      running.device->close();
    }
    EXPECT_LT(quickest, 1s);
    ::testing::Test::RecordProperty("open_microseconds",
                                    std::to_string(quickest / std::chrono::microseconds(1)));
  });
}

TEST(WireguardGoDevice, StandsUpAndClosesWithoutATrace) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const auto link = link_now("kadwire0");
    ASSERT_TRUE(link);
    EXPECT_TRUE(link->up);
    EXPECT_EQ(link->mtu_bytes, 1420u);
    EXPECT_EQ(running.device->listen_port(), 51820);
    EXPECT_FALSE(running.device->adopted());
    EXPECT_TRUE(running.device->notes().empty());
    EXPECT_TRUE(running.snapshot().peers.empty());

    write_protect_run();
    running.device->close();
    EXPECT_FALSE(link_now("kadwire0"));
    EXPECT_FALSE(std::filesystem::exists("/run/wireguard/kadwire0.sock"))
        << "only a process that is not killed has deleted it";
    running.device->close();
  });
}

TEST(WireguardGoDevice, AppliesPeersAndShowsThemInASnapshot) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const PeerConfig first = peer(identity(2), 40000, "10.1.0.2/32");
    PeerConfig second = peer(identity(3), std::nullopt, "10.1.0.3/32");
    running.device->apply(changes(SetPeer{first, shared_psk()}, SetPeer{second, shared_psk()}));
    auto snapshot = running.snapshot();
    ASSERT_EQ(snapshot.peers.size(), 2u);
    std::ranges::sort(snapshot.peers, {}, &PeerStatus::allowed_ips);
    EXPECT_EQ(snapshot.peers[0].key, first.key);
    EXPECT_EQ(snapshot.peers[0].endpoint, first.endpoint);
    EXPECT_EQ(snapshot.peers[0].keepalive, 25s);
    EXPECT_EQ(snapshot.peers[0].last_handshake, std::nullopt);
    EXPECT_EQ(snapshot.peers[1].endpoint, std::nullopt);

    second.allowed_ips = {*Prefix::parse("fd00::3/128")};
    running.device->apply(changes(RemovePeer{first.key}, SetPeer{second, shared_psk()}));
    snapshot = running.snapshot();
    ASSERT_EQ(snapshot.peers.size(), 1u);
    EXPECT_EQ(snapshot.peers[0].allowed_ips, second.allowed_ips);
    EXPECT_EQ(running.next<ChangeFailed>(1ms), nullptr);
    running.device->close();
  });
}

TEST(WireguardGoDevice, AppliesMoreChangesThanFitOneRequest) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    constexpr std::size_t kPeers = 3 * kChangesPerRequestMax + 1;
    std::vector<PeerChange> all;
    for (std::size_t i = 0; i < kPeers; ++i) {
      const std::string allowed = "10.1." + std::to_string(i) + ".1/32";
      all.emplace_back(SetPeer{peer(identity(100 + i), std::nullopt, allowed), shared_psk()});
    }
    running.device->apply(std::move(all));
    EXPECT_EQ(running.snapshot().peers.size(), kPeers);
    running.device->close();
  });
}

TEST(WireguardGoDevice, ReportsARefusedChangeAndAppliesTheOthers) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    PeerConfig bad = peer(identity(2), std::nullopt);
    bad.allowed_ips = {Prefix{*IpAddress::parse("10.1.0.2"), 40}};
    const PeerConfig good = peer(identity(3), std::nullopt, "10.1.0.3/32");
    running.device->apply(changes(SetPeer{bad, shared_psk()}, SetPeer{good, shared_psk()}));
    const auto* failed = running.next<ChangeFailed>();
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(failed->key, bad.key);
    EXPECT_FALSE(failed->reason.empty());
    const auto snapshot = running.snapshot();
    const auto found = std::ranges::find(snapshot.peers, good.key, &PeerStatus::key);
    ASSERT_NE(found, snapshot.peers.end());
    EXPECT_EQ(found->allowed_ips, good.allowed_ips);
    EXPECT_EQ(running.next<ChangeFailed>(1ms), nullptr);
    running.device->close();
  });
}

TEST(WireguardGoDevice, HandshakesWithAnotherAtOnceOnTheNodesClock) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    const auto alice = identity(1);
    const auto bob = identity(2);
    auto shifted = options_of(alice, "alice");
    shifted.clock_offset = 1h;
    RunningDevice initiator(context, std::move(shifted));
    RunningDevice responder(context, options_of(bob, "bob"));
    ASSERT_TRUE(initiator.device && responder.device) << initiator.error << responder.error;
    ASSERT_EQ(responder.device->listen_port(), 51821);
    responder.device->apply(changes(SetPeer{peer(alice, std::nullopt), shared_psk()}));
    EXPECT_EQ(responder.snapshot().peers.size(), 1u);

    initiator.device->apply(changes(SetPeer{peer(bob, 51821), shared_psk()}));
    const auto deadline = Clock::now() + kBeforeRetry;
    std::optional<WallTime> handshake;
    while (!handshake && Clock::now() < deadline) {
      handshake = initiator.snapshot().peers.at(0).last_handshake;
    }
    ASSERT_TRUE(handshake) << "no handshake came of the first initiation";
    const auto age = std::chrono::system_clock::now() + 1h - *handshake;
    EXPECT_GE(age, -5ms);
    EXPECT_LT(age, 1min);
    EXPECT_EQ(responder.snapshot().peers.at(0).endpoint, Endpoint::parse("127.0.0.1:51820"));
    initiator.device->close();
    responder.device->close();
  });
}

TEST(WireguardGoDevice, RenewingAPeerInitiatesAgainAtOnceAfterAnUnansweredInitiation) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const auto silent = AsioDatagramSocket::open(context, 0).value();
    std::size_t initiations = 0;
    silent->start([&](const Endpoint&, ByteView datagram) {
      if (datagram.size() == kInitiationBytes) ++initiations;
    });
    const PeerConfig config = peer(identity(2), silent->local_port());
    running.device->apply(changes(SetPeer{config, shared_psk()}));
    ASSERT_TRUE(run_until(
        context, [&] { return initiations == 1; }, kBeforeRetry));
    for (std::size_t again = 2; again <= 5; ++again) {
      running.device->apply(changes(RenewPeer{config, shared_psk()}));
      ASSERT_TRUE(run_until(
          context, [&] { return initiations == again; }, kBeforeRetry));
    }
    running.device->close();
  });
}

TEST(WireguardGoDevice, HasExactlyTheAddressesItWasGiven) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const std::vector first{*Prefix::parse("10.1.0.1/16"), *Prefix::parse("fd00::1/64")};
    running.device->set_addresses(first);
    EXPECT_EQ(addresses_now("kadwire0"), first);
    const std::vector second{*Prefix::parse("10.1.0.9/16"), *Prefix::parse("fd00::1/64")};
    running.device->set_addresses(second);
    EXPECT_EQ(addresses_now("kadwire0"), second);
    running.device->set_addresses({*Prefix::parse("ff02::1/64")});
    const auto* failed = running.next<ChangeFailed>();
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(failed->key, crypto::WireguardKey{});
    running.device->close();
  });
}

TEST(WireguardGoDevice, StartsAgainWithPortAndAddressesAfterItsProcessWasKilled) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const std::vector addresses{*Prefix::parse("10.1.0.1/16"), *Prefix::parse("fd00::1/64")};
    running.device->set_addresses(addresses);
    running.device->apply(changes(SetPeer{peer(identity(2), std::nullopt), shared_psk()}));
    ASSERT_EQ(running.snapshot().peers.size(), 1u);

    const auto killed_at = Clock::now();
    ASSERT_EQ(kill(process_behind("kadwire0"), SIGKILL), 0);
    const auto* lost = running.next<DeviceLost>();
    ASSERT_NE(lost, nullptr);
    EXPECT_NE(lost->reason.find("signal 9"), std::string::npos) << lost->reason;
    running.device->apply(changes(SetPeer{peer(identity(2), std::nullopt), shared_psk()}));
    EXPECT_NE(running.next<ChangeFailed>(), nullptr) << "there is no device to apply it to";
    running.device->request_snapshot();
    ASSERT_NE(running.next<DeviceReady>(), nullptr);
    EXPECT_GE(Clock::now() - killed_at, 1s);
    EXPECT_EQ(addresses_now("kadwire0"), addresses);
    EXPECT_EQ(running.device->listen_port(), 51820);
    const auto* owed = running.next<DeviceSnapshot>();
    ASSERT_NE(owed, nullptr) << "a snapshot asked for meanwhile is still owed";
    EXPECT_TRUE(owed->peers.empty());
    running.device->close();
    EXPECT_FALSE(link_now("kadwire0"));
  });
}

TEST(WireguardGoDevice, StartsAgainAfterItsInterfaceWasDeleted) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    ASSERT_TRUE(Rtnetlink::open().value().delete_link(*link_now("kadwire0")));
    EXPECT_NE(running.next<DeviceLost>(), nullptr);
    EXPECT_NE(running.next<DeviceReady>(), nullptr);
    EXPECT_TRUE(link_now("kadwire0"));
    running.device->close();
  });
}

TEST(WireguardGoDevice, GivesAStoppedProcessTwoSecondsAndGoesOnOnceItRunsAgain) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    const int pid = halt("kadwire0");
    const auto began = Clock::now();
    const PeerConfig config = peer(identity(2), std::nullopt);
    running.device->apply(changes(SetPeer{config, shared_psk()}));
    const auto* failed = running.next<ChangeFailed>();
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(failed->key, config.key);
    EXPECT_GE(Clock::now() - began, 2s);
    running.device->request_snapshot();
    EXPECT_EQ(running.next<DeviceSnapshot>(10ms), nullptr);
    kill(pid, SIGCONT);
    EXPECT_NE(running.next<DeviceSnapshot>(), nullptr);
    running.device->close();
  });
}

TEST(WireguardGoDevice, KillsAProcessThatDoesNotEndWhenClosed) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    halt("kadwire0");
    const auto began = Clock::now();
    running.device->close();
    const auto took = Clock::now() - began;
    EXPECT_GE(took, 1s) << "it is asked to end by itself first";
    EXPECT_LT(took, 5s);
    EXPECT_FALSE(link_now("kadwire0"));
    EXPECT_FALSE(std::filesystem::exists("/run/wireguard/kadwire0.sock"));
  });
}

}  // namespace
}  // namespace kadwire::node
