/// The lab's NATs themselves: does each map and filter as its name says?
///
///   client 51820 ── gateway ──cable── core ──cable── near, two ports
///                                      └────cable── far

#include "tools/lab/gateway.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <functional>
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
constexpr auto kPatience = 20s;

struct Party {
  Party(asio::io_context& context, const Host& on, std::uint16_t at_port)
      : host(on), port(at_port) {
    must(host.in_network(
        [&] { socket = std::move(*node::AsioDatagramSocket::open(context, port)); }));
    socket->start([this](const Endpoint& from, ByteView) { heard.push_back(from); });
  }
  void send(const Endpoint& to) const { socket->send({to, Bytes(8)}); }
  [[nodiscard]] Endpoint at(AddressFamily family) const {
    return {family == AddressFamily::kIpv4 ? host.ipv4() : host.ipv6(), port};
  }
  [[nodiscard]] bool has_heard(const Endpoint& from) const {
    return std::ranges::find(heard, from) != heard.end();
  }

  const Host& host;
  std::uint16_t port;
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
  bool eventually(const std::function<bool()>& condition) {
    return board_.run_until(
        [&] {
          context_.restart();
          context_.poll();
          return condition();
        },
        kPatience);
  }
  bool hears(const Party& party, std::size_t count) {
    return eventually([&] { return party.heard.size() >= count; });
  }
  bool hears(const Party& party, const Endpoint& from) {
    return eventually([&] { return party.has_heard(from); });
  }

  /// The stranger sends to `door`, which may lead to the client; then `known` sends to its own
  /// door, which does. It is told when by a packet that left the stranger after the first: no cable
  /// lets one overtake another, so once the client hears `known`, what it has not heard was
  /// refused.
  bool lets_in(Party& client, const Party& stranger, Endpoint door, Party& known,
               Endpoint known_door) {
    const AddressFamily family = door.address.family();
    client.heard.clear();
    known.heard.clear();
    stranger.send(door);
    stranger.send(known.at(family));
    EXPECT_TRUE(hears(known, stranger.at(family)));
    known.send(known_door);
    EXPECT_TRUE(hears(client, known.at(family))) << "answers do not come through";
    return client.has_heard(stranger.at(family));
  }

  PingBoard board_;

 private:
  asio::io_context context_;
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
  EXPECT_EQ(lets_in(*client, *near_other, mapped, *near, mapped),
            surroundings().filtering != Filtering::kAddressAndPort);
  EXPECT_EQ(lets_in(*client, *far, mapped, *near, mapped),
            surroundings().filtering == Filtering::kIndependent);

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
  Host& near_host = add_host("near");
  Host& far_host = add_host("far");
  const auto near = party(near_host, kServerPort);
  const auto far = party(far_host, kServerPort);
  const Place behind = place(*find_surroundings("ipv6-only"));
  const auto client = party(*behind.host, kClientPort);
  const Endpoint inside{behind.host->ipv6(), kClientPort};

  client->send({near_host.ipv6(), kServerPort});
  ASSERT_TRUE(hears(*near, inside));
  EXPECT_FALSE(lets_in(*client, *far, inside, *near, inside));
  client->send({far_host.ipv6(), kServerPort});
  ASSERT_TRUE(hears(*far, 1));
  EXPECT_EQ(far->heard.front(), inside);
  far->send(inside);
  EXPECT_TRUE(hears(*client, far->at(AddressFamily::kIpv6)));
}

/// A ping takes the same way behind the datagram, and is let through.
TEST_F(GatewayTest, LetsNoUdpThroughWhereItIsBlocked) {
  Host& far_host = add_host("far");
  const auto far = party(far_host, kServerPort);
  const Place behind = place(*find_surroundings("blocked"));
  const auto client = party(*behind.host, kClientPort);
  client->send({far_host.ipv4(), kServerPort});
  const auto flow = must(board_.add(*behind.host, far_host.ipv4(), PingBoard::Until::kFirstReply));
  ASSERT_TRUE(eventually([&] { return board_.flow(flow).received > 0; }));
  EXPECT_TRUE(far->heard.empty());
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
  Host& near_host = add_host("near");
  const auto server = party(server_host, kServerPort);
  const auto near = party(near_host, kServerPort);
  const Place behind = place(*find_surroundings("symmetric-random"));
  const auto client = party(*behind.host, kClientPort);
  client->send({server_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*server, 1));
  const Endpoint forgotten = server->heard.front();

  must(behind.gateways.front()->forget_mappings());
  client->send({near_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*near, 1));
  const Endpoint mapped = near->heard.front();
  EXPECT_FALSE(lets_in(*client, *server, forgotten, *near, mapped));
  client->send({server_host.ipv4(), kServerPort});
  ASSERT_TRUE(hears(*server, 2));
  EXPECT_NE(server->heard[1], forgotten);
}

}  // namespace
}  // namespace kadwire::lab
