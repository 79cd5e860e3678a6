#include "node/adapters/asio_datagram_socket.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "node/adapters/receive_loop.h"
#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;
using kadwire::testing::in_own_network;
using kadwire::testing::run_command;
using kadwire::testing::run_until;

Bytes payload(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {*IpAddress::parse(address), port};
}

std::unique_ptr<AsioDatagramSocket> opened(asio::io_context& context, std::uint16_t port = 0) {
  auto socket = AsioDatagramSocket::open(context, port);
  EXPECT_TRUE(socket) << socket.error().message;
  return std::move(*socket);
}

struct Received {
  Endpoint from;
  std::string text;
};

DatagramSocket::Handler into(std::vector<Received>& received) {
  return [&](const Endpoint& from, ByteView datagram) {
    received.push_back({from, std::string(as_text(datagram))});
  };
}

TEST(AsioDatagramSocket, DeliversOnOnePortFromBothFamiliesWithoutMappedAddresses) {
  asio::io_context context;
  const auto receiver = opened(context);
  if (!receiver->has_family(AddressFamily::kIpv6)) GTEST_SKIP() << "this host has no IPv6";
  const auto sender = opened(context);
  std::vector<Received> received;
  receiver->start(into(received));
  sender->send({endpoint("127.0.0.1", receiver->local_port()), payload("four")});
  sender->send({endpoint("::1", receiver->local_port()), payload("six")});

  ASSERT_TRUE(run_until(context, [&] { return received.size() == 2; }));
  for (const Received& datagram : received) {
    const auto* source = datagram.text == "four" ? "127.0.0.1" : "::1";
    EXPECT_EQ(datagram.from, endpoint(source, sender->local_port()));
  }
}

TEST(AsioDatagramSocket, ServesTheOtherFamilyOnAHostWhereIpv6IsDisabled) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    asio::io_context context;
    const auto socket = opened(context);
    std::vector<Received> received;
    socket->start(into(received));
    socket->send({endpoint("::1", socket->local_port()), payload("six")});
    socket->send({endpoint("127.0.0.1", socket->local_port()), payload("four")});
    ASSERT_TRUE(run_until(context, [&] { return !received.empty(); }));
    EXPECT_EQ(received[0].text, "four");
    EXPECT_EQ(socket->counters().send_failed, 1u);
  });
}

TEST(AsioDatagramSocket, TakesThePreferredPortWhenItIsFree) {
  asio::io_context context;
  std::uint16_t port = 0;
  { port = opened(context)->local_port(); }
  EXPECT_EQ(opened(context, port)->local_port(), port);
}

TEST(AsioDatagramSocket, FallsBackToAnotherPortWhenThePreferredOneIsTaken) {
  asio::io_context context;
  const auto first = opened(context);
  const auto second = opened(context, first->local_port());
  EXPECT_NE(second->local_port(), first->local_port());
  EXPECT_NE(second->local_port(), 0);
}

TEST(AsioDatagramSocket, FallsBackWhenOnlyOneFamilyHasThePortTaken) {
  asio::io_context context;
  const auto v4_only = AsioDatagramSocket::open_at(context, std::vector{endpoint("0.0.0.0", 0)});
  ASSERT_TRUE(v4_only);
  const auto both = opened(context, (*v4_only)->local_port());
  EXPECT_NE(both->local_port(), (*v4_only)->local_port());
}

TEST(AsioDatagramSocket, RefusesAnExplicitAddressThatIsTakenAndSaysWhich) {
  asio::io_context context;
  const auto first = AsioDatagramSocket::open_at(context, std::vector{endpoint("127.0.0.1", 0)});
  ASSERT_TRUE(first);
  const Endpoint taken = endpoint("127.0.0.1", (*first)->local_port());
  const auto second = AsioDatagramSocket::open_at(context, std::vector{taken});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(taken.to_string()), std::string::npos);
}

TEST(AsioDatagramSocket, AnswersFromTheAddressThatWasAsked) {
  asio::io_context context;
  const std::uint16_t port = opened(context)->local_port();  // free again after this line
  const Endpoint asked = endpoint("127.0.0.2", port);
  const auto server =
      AsioDatagramSocket::open_at(context, std::vector{endpoint("127.0.0.1", port), asked});
  ASSERT_TRUE(server) << server.error().message;
  (*server)->start([&](const Endpoint& from, ByteView) {
    (*server)->send({from, payload("answer")});
  });
  const auto client = opened(context);
  std::vector<Received> received;
  client->start(into(received));

  client->send({asked, payload("question")});
  ASSERT_TRUE(run_until(context, [&] { return !received.empty(); }));
  EXPECT_EQ(received[0].from, asked);
}

TEST(AsioDatagramSocket, GoesOnAfterSendsThatTheHostRefuses) {
  asio::io_context context;
  const auto v4_only = AsioDatagramSocket::open_at(context, std::vector{endpoint("127.0.0.1", 0)});
  ASSERT_TRUE(v4_only);
  std::vector<Received> received;
  (*v4_only)->start(into(received));
  (*v4_only)->send({endpoint("2001:db8::1", 9), payload("no such family")});
  (*v4_only)->send({endpoint("255.255.255.255", 9), payload("broadcast is not allowed")});
  (*v4_only)->send({endpoint("127.0.0.1", 1), payload("answered by ICMP")});
  (*v4_only)->send({endpoint("127.0.0.1", (*v4_only)->local_port()), payload("to myself")});

  ASSERT_TRUE(run_until(context, [&] { return !received.empty(); }));
  EXPECT_EQ(received[0].text, "to myself");
  EXPECT_EQ((*v4_only)->counters().send_failed, 2u);
  EXPECT_EQ((*v4_only)->counters().sent, 2u);
}

TEST(AsioDatagramSocket, DeliversEverythingOfABurstLargerThanOneBatch) {
  asio::io_context context;
  const auto receiver = opened(context);
  const auto sender = opened(context);
  constexpr std::size_t kBurst = 3 * kReceiveBatchMax + 1;
  for (std::size_t i = 0; i < kBurst; ++i) {
    sender->send({endpoint("127.0.0.1", receiver->local_port()), payload(std::to_string(i))});
  }
  std::vector<Received> received;
  receiver->start(into(received));
  ASSERT_TRUE(run_until(context, [&] { return received.size() == kBurst; }));
  EXPECT_EQ(received.back().text, std::to_string(kBurst - 1));
}

TEST(AsioDatagramSocket, DeliversTheLargestAndTheEmptyDatagram) {
  asio::io_context context;
  const auto receiver = opened(context);
  const auto sender = opened(context);
  const std::string largest(65507, 'x');
  std::vector<Received> received;
  receiver->start(into(received));
  sender->send({endpoint("127.0.0.1", receiver->local_port()), payload(largest)});
  sender->send({endpoint("127.0.0.1", receiver->local_port()), {}});
  ASSERT_TRUE(run_until(context, [&] { return received.size() == 2; }));
  EXPECT_EQ(received[0].text, largest);
  EXPECT_EQ(received[1].text, "");
}

TEST(AsioDatagramSocket, MayBeDestroyedByItsOwnHandler) {
  asio::io_context context;
  auto receiver = opened(context);
  const auto sender = opened(context);
  for (int i = 0; i < 2; ++i) {
    sender->send({endpoint("127.0.0.1", receiver->local_port()), payload("end")});
  }
  int delivered = 0;
  receiver->start([&](const Endpoint&, ByteView) {
    ++delivered;
    receiver.reset();
  });
  EXPECT_FALSE(run_until(
      context, [&] { return delivered == 2; }, 50ms));
  EXPECT_EQ(delivered, 1);
}

}  // namespace
}  // namespace kadwire::node
