/// The lab's NATs themselves: does each map and filter as its name says?
///
///   client 51820 ── gateway ──cable── core ──cable── near, two ports
///                                      └────cable── far

#include "tools/lab/gateway.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "node/adapters/asio_datagram_socket.h"
#include "tests/integration/lab_fixture.h"
#include "tools/lab/ping_board.h"

namespace kadwire::lab {
namespace {

constexpr std::uint16_t kClientPort = 51820;
constexpr std::uint16_t kServerPort = 3478;
constexpr std::uint16_t kOtherPort = 3479;
/// A round trip takes 4 ms; only a failure waits so long.
constexpr auto kPatience = 2s;
/// What has not come by then is not let in.
constexpr auto kRefused = 100ms;

struct Party {
  Party(asio::io_context& context, const Host& host, std::uint16_t port) {
    must(host.in_network(
        [&] { socket = std::move(*node::AsioDatagramSocket::open(context, port)); }));
    socket->start([this](const Endpoint& from, ByteView) { heard.push_back(from); });
  }
  void send(const Endpoint& to) const { socket->send({to, Bytes(8)}); }

  std::unique_ptr<node::AsioDatagramSocket> socket;
  std::vector<Endpoint> heard;  ///< the senders of what came
};

class GatewayTest : public LabTest {
 protected:
  Host& add_host(const char* name) {
    return *must(lab().add_host({.name = name, .cable = {.delay = 1ms}}));
  }
  Place place(const Surroundings& surroundings, const char* name = "client") {
    return must(build_place(lab(), surroundings, {.name = name, .cable = {.delay = 1ms}}));
  }
  std::unique_ptr<Party> party(const Host& host, std::uint16_t port) {
    return std::make_unique<Party>(context_, host, port);
  }
  bool hears(const Party& party, std::size_t count, Duration at_most = kPatience) {
    return board_.run_until(
        [&] {
          context_.restart();
          context_.poll();
          return party.heard.size() >= count;
        },
        at_most);
  }

 private:
  asio::io_context context_;
  PingBoard board_;
};

class GatewayOfEachKind : public GatewayTest, public ::testing::WithParamInterface<std::string> {
 protected:
  const Surroundings& surroundings() { return *find_surroundings(GetParam()); }
};

TEST_P(GatewayOfEachKind, MapsAndFiltersAsItIsSaidTo) {
  Host& near_host = add_host("near");
  Host& far_host = add_host("far");
  const auto near = party(near_host, kServerPort);
  const auto near_other = party(near_host, kOtherPort);
  const auto far = party(far_host, kServerPort);
  const Place behind = place(surroundings());
  const auto client = party(*behind.host, kClientPort);

  client->send({near_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*near, 1));
  const Endpoint mapped = near->heard.front();
  EXPECT_EQ(mapped.address == behind.host->ipv4(), behind.gateways.empty());
  near->send(mapped);
  EXPECT_TRUE(hears(*client, 1)) << "answers do not come through";

  near_other->send(mapped);
  const bool takes_other_port = hears(*client, 2, kRefused);
  client->heard.clear();
  far->send(mapped);
  const bool takes_stranger = hears(*client, 1, kRefused);
  EXPECT_EQ(takes_stranger, surroundings().filtering == Filtering::kIndependent);
  EXPECT_EQ(takes_other_port, surroundings().filtering != Filtering::kAddressAndPort);

  client->send({far_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*far, 1));
  EXPECT_EQ(far->heard.front() == mapped, surroundings().mapping == Mapping::kIndependent);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GatewayOfEachKind,
                         ::testing::Values("public", "host-firewall", "full-cone", "hairpin-cone",
                                           "address-restricted", "port-restricted", "fixed-port",
                                           "hash", "cgnat", "symmetric-sequential",
                                           "symmetric-random"),
                         [](const auto& parameters) {
                           std::string name = parameters.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_F(GatewayTest, OpensItsIpv6FirewallToAnswersOnly) {
  Host& far_host = add_host("far");
  const auto far = party(far_host, kServerPort);
  const Place behind = place(*find_surroundings("ipv6-only"));
  const auto client = party(*behind.host, kClientPort);
  const Endpoint inside{behind.host->ipv6(), kClientPort};

  far->send(inside);
  EXPECT_FALSE(hears(*client, 1, kRefused));
  client->send({far_host.ipv6(), kServerPort});
  ASSERT_TRUE(hears(*far, 1));
  EXPECT_EQ(far->heard.front(), inside);
  far->send(inside);
  EXPECT_TRUE(hears(*client, 1));
}

TEST_F(GatewayTest, LetsNoUdpThroughWhereItIsBlocked) {
  Host& far_host = add_host("far");
  const auto far = party(far_host, kServerPort);
  const Place behind = place(*find_surroundings("blocked"));
  const auto client = party(*behind.host, kClientPort);
  client->send({far_host.ipv4(), kServerPort});
  EXPECT_FALSE(hears(*far, 1, kRefused));
}

TEST_F(GatewayTest, OfTheHairpinKindLetsItsHostsMeetOutside) {
  Host& server_host = add_host("server");
  const auto server = party(server_host, kServerPort);
  const Place behind = place(*find_surroundings("hairpin-cone"));
  Host& neighbour_host = *must(lab().add_host({.name = "neighbour",
                                               .families = Families::kIpv4Only,
                                               .lan = behind.gateways.front()->lan()}));
  const auto client = party(*behind.host, kClientPort);
  const auto neighbour = party(neighbour_host, kOtherPort);
  client->send({server_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*server, 1));

  neighbour->send(server->heard.front());
  ASSERT_TRUE(hears(*client, 1));
  EXPECT_EQ(client->heard.front().address, behind.gateways.front()->host().ipv4());
}

TEST_F(GatewayTest, ThatForgetsItsMappingsLetsNoOldAnswerIn) {
  Host& server_host = add_host("server");
  const auto server = party(server_host, kServerPort);
  const Place behind = place(*find_surroundings("symmetric-random"));
  const auto client = party(*behind.host, kClientPort);
  client->send({server_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*server, 1));

  must(behind.gateways.front()->forget_mappings());
  server->send(server->heard.front());
  EXPECT_FALSE(hears(*client, 1, kRefused));
  client->send({server_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*server, 2));
  EXPECT_NE(server->heard[0], server->heard[1]);
}

}  // namespace
}  // namespace kadwire::lab
