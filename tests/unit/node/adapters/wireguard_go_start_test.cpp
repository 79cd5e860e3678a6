/// How a device comes to stand, and every reason for which it does not.

#include "node/adapters/wireguard_go_start.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/adapters/asio_datagram_socket.h"
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
using kadwire::testing::run_command;
using kadwire::testing::RunningDevice;
using kadwire::testing::shared_psk;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

PeerConfig peer(std::uint64_t seed) {
  PeerConfig config;
  config.key = identity(seed).wireguard_key();
  config.endpoint = Endpoint::parse("127.0.0.1:9");
  config.allowed_ips = {*Prefix::parse("10.1.0.2/32")};
  return config;
}

TEST(WireguardGoStart, AdoptsWhatACrashedRunLeftBehindWithItsPeersAndPort) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    auto options = options_of(identity(1));
    options.listen_port = 40001;
    {
      RunningDevice crashed(context, std::move(options));
      ASSERT_TRUE(crashed.device) << crashed.error;
      crashed.device->apply(changes(SetPeer{peer(2), shared_psk()}));
      ASSERT_EQ(crashed.snapshot().peers.size(), 1u);
    }
    const int pid = process_behind("kadwire0");
    ASSERT_GT(pid, 0) << "the tunnel must outlive the daemon";

    RunningDevice next(context, options_of(identity(1)));
    ASSERT_TRUE(next.device) << next.error;
    EXPECT_TRUE(next.device->adopted());
    EXPECT_EQ(next.device->notes().size(), 1u);
    EXPECT_EQ(next.device->listen_port(), 40001);
    const auto snapshot = next.snapshot();
    ASSERT_EQ(snapshot.peers.size(), 1u);
    EXPECT_EQ(snapshot.peers[0].key, peer(2).key);
    EXPECT_EQ(process_behind("kadwire0"), pid);

    kill(pid, SIGKILL);
    EXPECT_NE(next.next<DeviceLost>(), nullptr) << "an adopted process is watched too";
    EXPECT_NE(next.next<DeviceReady>(), nullptr);
    next.device->close();
    EXPECT_EQ(Rtnetlink::open().value().find_link("kadwire0").value(), std::nullopt);
  });
}

TEST(WireguardGoStart, ClosingEndsAnAdoptedInterface) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    { const RunningDevice crashed(context, options_of(identity(1))); }
    RunningDevice next(context, options_of(identity(1)));
    ASSERT_TRUE(next.device) << next.error;
    ASSERT_TRUE(next.device->adopted());
    next.device->close();
    EXPECT_EQ(Rtnetlink::open().value().find_link("kadwire0").value(), std::nullopt);
  });
}

TEST(WireguardGoStart, RefusesAnInterfaceWithAnotherKeyAndLeavesItIntact) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice first(context, options_of(identity(1)));
    ASSERT_TRUE(first.device) << first.error;
    first.device->apply(changes(SetPeer{peer(2), shared_psk()}));
    const RunningDevice second(context, options_of(identity(3)));
    ASSERT_FALSE(second.device);
    EXPECT_TRUE(contains(second.error, "kadwire0")) << second.error;
    EXPECT_TRUE(contains(second.error, "left untouched")) << second.error;
    EXPECT_EQ(first.snapshot().peers.size(), 1u);
    first.device->close();
  });
}

TEST(WireguardGoStart, RefusesInterfacesThatNoWireguardServes) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    run_command("ip link add br0 type bridge && ip tuntap add t0 mode tun");
    for (const auto* name : {"br0", "t0"}) {
      const RunningDevice refused(context, options_of(identity(1), name));
      EXPECT_FALSE(refused.device);
      EXPECT_TRUE(contains(refused.error, "left untouched")) << refused.error;
      const auto link = Rtnetlink::open().value().find_link(name).value();
      ASSERT_TRUE(link);
      EXPECT_FALSE(link->up);
    }
  });
}

TEST(WireguardGoStart, RefusesASocketThatAnotherNetworkNamespaceServes) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    RunningDevice first(context, options_of(identity(1)));
    ASSERT_TRUE(first.device) << first.error;
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);  // the same /run, another network
    const RunningDevice second(context, options_of(identity(1)));
    EXPECT_FALSE(second.device);
    EXPECT_TRUE(contains(second.error, "another network namespace")) << second.error;
    first.device->close();
  });
}

TEST(WireguardGoStart, TakesTheNextFreePortAndSaysSo) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    const auto taken = AsioDatagramSocket::open(context, 51820).value();
    const auto taken_too =
        AsioDatagramSocket::open_at(context, std::vector{*Endpoint::parse("127.0.0.1:51821")});
    RunningDevice running(context, options_of(identity(1)));
    ASSERT_TRUE(running.device) << running.error;
    EXPECT_EQ(running.device->listen_port(), 51822);
    ASSERT_EQ(running.device->notes().size(), 1u);
    EXPECT_TRUE(contains(running.device->notes()[0], "51822"));
    running.device->close();
  });
}

TEST(WireguardGoStart, IsNotHinderedByAStaleSocketFile) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    { const RunningDevice crashed(context, options_of(identity(1))); }
    kill(process_behind("kadwire0"), SIGKILL);  // the interface may still be vanishing
    RunningDevice next(context, options_of(identity(1)));
    ASSERT_TRUE(next.device) << next.error;
    EXPECT_FALSE(next.device->adopted());
    next.device->close();
  });
}

TEST(WireguardGoStart, NamesThePackageWhenWireguardGoIsMissing) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    auto options = options_of(identity(1));
    options.program = "no-such-wireguard-go";
    const RunningDevice refused(context, std::move(options));
    EXPECT_FALSE(refused.device);
    EXPECT_TRUE(contains(refused.error, "apt-get install wireguard-go")) << refused.error;
  });
}

TEST(WireguardGoStart, SaysHowAProcessEndedThatDoesNotServe) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    asio::io_context context;
    auto options = options_of(identity(1));
    options.program = "false";
    const RunningDevice refused(context, std::move(options));
    EXPECT_FALSE(refused.device);
    EXPECT_TRUE(contains(refused.error, "exited with status 1")) << refused.error;
  });
}

TEST(WireguardGoStart, SaysHowToGetTheTunDevice) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    ASSERT_EQ(mount("none", "/dev/net", "tmpfs", 0, ""), 0);
    asio::io_context context;
    const RunningDevice refused(context, options_of(identity(1)));
    EXPECT_FALSE(refused.device);
    EXPECT_TRUE(contains(refused.error, "modprobe tun")) << refused.error;
  });
}

TEST(WireguardGoStart, SaysThatItNeedsRoot) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    ASSERT_EQ(syscall(SYS_capset, &header, none), 0);  // this thread only
    asio::io_context context;
    const RunningDevice refused(context, options_of(identity(1)));
    EXPECT_FALSE(refused.device);
    EXPECT_TRUE(contains(refused.error, "sudo")) << refused.error;
  });
}

TEST(WireguardGoStart, RefusesNamesThatAreNoInterfaceNames) {
  for (const auto* name : {"", ".", "..", "a/b", "with space", "sixteen-letters-", "new\nline"}) {
    asio::io_context context;
    const RunningDevice refused(context, options_of(identity(1), name));
    EXPECT_FALSE(refused.device);
    EXPECT_TRUE(contains(refused.error, "1 to 15")) << refused.error;
  }
}

}  // namespace
}  // namespace kadwire::node
