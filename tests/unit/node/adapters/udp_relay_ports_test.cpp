#include "node/adapters/udp_relay_ports.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>

#include "node/adapters/datagram_batch.h"
#include "node/adapters/udp_binding.h"
#include "tests/unit/node/adapters/own_network.h"
#include "tests/unit/node/adapters/relay_fixture.h"

namespace kadwire::node {
namespace {

using kadwire::testing::bind_saying;
using kadwire::testing::in_own_network;
using kadwire::testing::RelayedEnd;
using kadwire::testing::RelayWorld;
using kadwire::testing::run_command;

constexpr rendezvous::RelayId kPair = 7;
using Texts = std::vector<std::string>;

/// A port, and the two ends of its pair, on loopback.
class UdpRelayPortsTest : public ::testing::Test {
 protected:
  explicit UdpRelayPortsTest(const RelayPortOptions& options = {}) : world_(options) {}
  void join() { world_.relay->join(kPair, a_.endpoint(), b_.endpoint()); }
  const RelayCounters& counters() const { return world_.relay->counters(); }

  RelayWorld world_;
  Endpoint port_ = world_.open(kPair);
  RelayedEnd a_{world_.context, "127.0.0.1"}, b_{world_.context, "127.0.0.1"};
  RelayedEnd stranger_{world_.context, "127.0.0.1"};
};

TEST_F(UdpRelayPortsTest, ForwardsBetweenTheTwoEndsUnread) {
  join();
  a_.send(port_, "to b");
  b_.send(port_, "to a");
  a_.send(port_, "");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 2 && a_.received.size() == 1; }));
  EXPECT_EQ(b_.received, (Texts{"to b", ""}));
  EXPECT_EQ(a_.received, (Texts{"to a"}));
  EXPECT_EQ(b_.sources[0], port_);
  EXPECT_EQ(counters().forwarded, 3u);
  EXPECT_EQ(counters().forwarded_bytes, 8u);
}

TEST_F(UdpRelayPortsTest, ForwardsBetweenTheFamilies) {
  RelayedEnd six(world_.context, "::1");
  world_.relay->join(kPair, a_.endpoint(), six.endpoint());
  a_.send(port_, "to six");
  six.send({*IpAddress::parse("::1"), port_.port}, "to four");
  ASSERT_TRUE(world_.until([&] { return !six.received.empty() && !a_.received.empty(); }));
  EXPECT_EQ(six.received, (Texts{"to six"}));
  EXPECT_EQ(a_.received, (Texts{"to four"}));
  EXPECT_EQ(a_.sources[0], port_);
}

TEST_F(UdpRelayPortsTest, DropsAndCountsWhatComesFromNeitherEnd) {
  a_.send(port_, "too early");
  ASSERT_TRUE(world_.until([&] { return counters().foreign == 1; }));
  join();
  stranger_.send(port_, "foreign");
  a_.send(port_, "own");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(b_.received, (Texts{"own"}));
  EXPECT_EQ(counters().foreign, 2u);
}

TEST_F(UdpRelayPortsTest, GivesBindsOfAnybodyToTheHandlerAndToNobodyElse) {
  join();
  a_.send(port_, bind_saying("an end"));
  stranger_.send(port_, bind_saying("a stranger"));
  a_.send(port_, "data");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(world_.binds, (Texts{"an end", "a stranger"}));
  EXPECT_EQ(b_.received, (Texts{"data"}));
  EXPECT_EQ(counters().binds, 2u);
}

TEST_F(UdpRelayPortsTest, LimitsTheBindsOfOnePort) {
  for (std::uint32_t i = 0; i < kRelayBindRate.burst + 2; ++i) {
    stranger_.send(port_, bind_saying("again"));
  }
  ASSERT_TRUE(world_.until([&] { return counters().binds_over_rate == 2; }));
  EXPECT_EQ(world_.binds.size(), kRelayBindRate.burst);

  const Endpoint other_port = world_.open(kPair + 1);
  stranger_.send(other_port, bind_saying("another port"));
  ASSERT_TRUE(world_.until([&] { return world_.binds.back() == "another port"; }));

  world_.scheduler.turn(Duration(1s) / kRelayBindRate.per_second);
  stranger_.send(port_, bind_saying("in time"));
  stranger_.send(port_, bind_saying("too soon"));
  ASSERT_TRUE(world_.until([&] { return counters().binds_over_rate == 3; }));
  EXPECT_EQ(world_.binds.back(), "in time");
}

TEST_F(UdpRelayPortsTest, ForwardsToTheNewPlaceOfAnEndThatMoved) {
  join();
  RelayedEnd moved(world_.context, "127.0.0.1");
  world_.relay->join(kPair, a_.endpoint(), moved.endpoint());
  a_.send(port_, "new place");
  b_.send(port_, "from the old one");
  ASSERT_TRUE(world_.until([&] { return !moved.received.empty() && counters().foreign == 1; }));
  EXPECT_TRUE(a_.received.empty());
  EXPECT_TRUE(b_.received.empty());
}

TEST_F(UdpRelayPortsTest, TakesWhatFollowsABindForThePairThatTheBindMade) {
  world_.on_bind = [&](auto, const Endpoint& from) {
    world_.relay->join(kPair, from, b_.endpoint());
  };
  a_.send(port_, "before");
  a_.send(port_, bind_saying("a"));
  a_.send(port_, "after");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(b_.received, (Texts{"after"}));
  EXPECT_EQ(counters().foreign, 1u);
}

TEST_F(UdpRelayPortsTest, ReachesEachEndFromTheAddressThatItSpokeTo) {
  const Endpoint second{*IpAddress::parse("127.0.0.2"), port_.port};
  const Endpoint third{*IpAddress::parse("127.0.0.3"), port_.port};
  a_.send(second, bind_saying("a"));
  b_.send(third, bind_saying("b"));
  ASSERT_TRUE(world_.until([&] { return world_.binds.size() == 2; }));
  join();
  a_.send(second, "to b");  // which has sent nothing but its bind
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(b_.sources.back(), third);

  b_.send(port_, "to a");  // from now on b speaks to the first address
  a_.send(second, "to b again");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 2 && a_.received.size() == 1; }));
  EXPECT_EQ(a_.sources.back(), second);
  EXPECT_EQ(b_.sources.back(), port_);

  b_.send(third, bind_saying("b"));  // and back
  ASSERT_TRUE(world_.until([&] { return world_.binds.size() == 3; }));
  a_.send(second, "to b");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 3; }));
  EXPECT_EQ(b_.sources.back(), third);
}

TEST_F(UdpRelayPortsTest, SendsFromThePairsPortToWhoBoundFromTheAddressThatWasReached) {
  const Endpoint port{*IpAddress::parse("127.0.0.3"), port_.port};
  world_.on_bind = [&](auto, const Endpoint& from) {
    const std::string challenge = bind_saying("prove it");
    world_.relay->send(kPair, from, as_bytes(challenge));
  };
  stranger_.send(port, bind_saying("here"));
  ASSERT_TRUE(world_.until([&] { return !stranger_.received.empty(); }));
  EXPECT_EQ(stranger_.received, (Texts{bind_saying("prove it")}));
  EXPECT_EQ(stranger_.sources[0], port);
  EXPECT_EQ(counters().forwarded, 0u) << "nothing of anybody's";
  world_.relay->send(kPair + 1, stranger_.endpoint(), as_bytes(std::string("no such pair")));
}

TEST_F(UdpRelayPortsTest, SendsNothingToAnEndThatHasLongBeenSilent) {
  join();
  world_.scheduler.turn(kRelayEndSilence);
  a_.send(port_, "just in time");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 1; }));
  world_.scheduler.turn(1s);
  a_.send(port_, "too late");
  ASSERT_TRUE(world_.until([&] { return counters().unheard == 1; }));
  b_.send(port_, "here again");
  ASSERT_TRUE(world_.until([&] { return a_.received.size() == 1; }));
  a_.send(port_, "good");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 2; }));
  EXPECT_EQ(b_.received, (Texts{"just in time", "good"}));
}

TEST_F(UdpRelayPortsTest, KeepsToTheAddressThatAnEndSpokeToWhenTheOtherMoves) {
  const Endpoint second{*IpAddress::parse("127.0.0.2"), port_.port};
  join();
  a_.send(second, "to b");
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 1; }));
  RelayedEnd moved(world_.context, "127.0.0.1");
  world_.relay->join(kPair, a_.endpoint(), moved.endpoint());
  moved.send(port_, "to a");
  ASSERT_TRUE(world_.until([&] { return a_.received.size() == 1; }));
  EXPECT_EQ(a_.sources.back(), second);
}

TEST(UdpRelayPorts, ReachesAnEndFromTheIpv6AddressThatItSpokeToUntilThatIsGone) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip -6 address add fd00::2/128 dev lo nodad");
    // The kernel makes the route to it a moment later.
    run_command("until ip -6 route get fd00::2 | grep -q ^local; do true; done");
    RelayWorld world;
    const Endpoint port = world.open(kPair, "fd00::2");
    RelayedEnd a(world.context, "::1"), b(world.context, "::1");
    a.send(port, bind_saying("a"));
    ASSERT_TRUE(world.until([&] { return world.binds.size() == 1; }));
    world.relay->join(kPair, a.endpoint(), b.endpoint());
    b.send({*IpAddress::parse("::1"), port.port}, "to a");
    ASSERT_TRUE(world.until([&] { return a.received.size() == 1; }));
    EXPECT_EQ(a.sources.back(), port);

    run_command("ip -6 address del fd00::2/128 dev lo");
    b.send({*IpAddress::parse("::1"), port.port}, "to a");
    ASSERT_TRUE(world.until([&] { return a.received.size() == 2; }));
    EXPECT_EQ(a.sources.back().address, *IpAddress::parse("::1"));
    EXPECT_EQ(world.relay->counters().forwarded, 2u);
  });
}

TEST(UdpRelayPorts, ServesTheOtherFamilyOnAHostWhereIpv6IsDisabled) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    RelayWorld world;
    const Endpoint port = world.open(kPair);
    RelayedEnd a(world.context, "127.0.0.1"), b(world.context, "127.0.0.1");
    world.relay->join(kPair, a.endpoint(), *Endpoint::parse("[2001:db8::1]:9"));
    a.send(port, "to nowhere");
    ASSERT_TRUE(world.until([&] { return world.relay->counters().send_failed == 1; }));
    world.relay->join(kPair, a.endpoint(), b.endpoint());
    a.send(port, "to b");
    ASSERT_TRUE(world.until([&] { return !b.received.empty(); }));
  });
}

TEST_F(UdpRelayPortsTest, ForwardsABurstWholeAndInOrderAndServesOthersInBetween) {
  join();
  constexpr std::size_t kPerWakeUp = kRelayBatchesPerWakeUp * kBatchMax;
  constexpr std::size_t kBurst = 2 * kPerWakeUp + 1;
  for (std::size_t i = 0; i < kBurst; ++i) a_.send(port_, std::to_string(i));
  world_.context.run_one();
  EXPECT_LE(counters().forwarded, kPerWakeUp);
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == kBurst; }));
  for (std::size_t i = 0; i < kBurst; ++i) ASSERT_EQ(b_.received[i], std::to_string(i));
}

TEST_F(UdpRelayPortsTest, CountsWhatTheHostCannotSend) {
  world_.relay->join(kPair, a_.endpoint(), *Endpoint::parse("255.255.255.255:9"));
  a_.send(port_, "broadcast is not allowed");
  ASSERT_TRUE(world_.until([&] { return counters().send_failed == 1; }));
  EXPECT_EQ(counters().forwarded, 0u);
}

TEST_F(UdpRelayPortsTest, DropsWhatIsLargerThanAnyWireguardDatagram) {
  join();
  a_.send(port_, std::string(kRelayedBytesMax + 1, 'x'));
  a_.send(port_, std::string(kRelayedBytesMax, 'y'));
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(b_.received, (Texts{std::string(kRelayedBytesMax, 'y')}));
  EXPECT_EQ(counters().too_large, 1u);
}

class LimitedRelayPortsTest : public UdpRelayPortsTest {
 protected:
  static constexpr std::uint32_t kBytesPerSecond = 8'000'000;
  LimitedRelayPortsTest() : UdpRelayPortsTest({.limits = {.bytes_per_second = kBytesPerSecond}}) {}
};

TEST_F(LimitedRelayPortsTest, ForwardsNoMoreThanTheRateOfAllPairsTogether) {
  join();
  const Endpoint other_port = world_.open(kPair + 1);
  world_.relay->join(kPair + 1, a_.endpoint(), b_.endpoint());
  const std::string eight_thousand(8000, 'x');
  const auto offer = [&](const Endpoint& port, std::uint64_t count) {
    const std::uint64_t expected = counters().forwarded + counters().over_rate + count;
    for (std::uint64_t i = 0; i < count; ++i) a_.send(port, eight_thousand);
    return world_.until([&] { return counters().forwarded + counters().over_rate == expected; });
  };
  constexpr std::uint64_t kBurst = kBytesPerSecond / 8 / 8000;
  ASSERT_TRUE(offer(port_, kBurst - 1));
  ASSERT_TRUE(offer(other_port, 3));
  EXPECT_EQ(counters().forwarded, kBurst);
  EXPECT_EQ(counters().over_rate, 2u);
  world_.scheduler.turn(5ms);
  ASSERT_TRUE(offer(port_, 9));
  EXPECT_EQ(counters().forwarded, kBurst + 5);
  EXPECT_EQ(counters().forwarded_bytes, 8000 * (kBurst + 5));
}

class QuotaRelayPortsTest : public UdpRelayPortsTest {
 protected:
  static constexpr std::uint64_t kBytesPerDay = 1'000'000;
  QuotaRelayPortsTest() : UdpRelayPortsTest({.limits = {.bytes_per_day = kBytesPerDay}}) {}
};

TEST_F(QuotaRelayPortsTest, ForwardsNoMoreThanATrickleOnceTheDaysBytesAreUsedUp) {
  join();
  EXPECT_FALSE(world_.relay->traffic().used_up);
  const std::string eight_thousand(8000, 'x');
  const auto offer = [&](std::uint64_t count) {
    const std::uint64_t expected = counters().forwarded + counters().over_rate + count;
    for (std::uint64_t i = 0; i < count; ++i) a_.send(port_, eight_thousand);
    return world_.until([&] { return counters().forwarded + counters().over_rate == expected; });
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(offer(10));
  constexpr std::uint64_t kFreely = kBytesPerDay * 95 / 100 / 8000;
  constexpr std::uint64_t kTrickle = rendezvous::kRelayBurstMin / 8000;
  EXPECT_EQ(counters().forwarded, kFreely + kTrickle);
  EXPECT_EQ(counters().over_rate, 200 - kFreely - kTrickle);
  const rendezvous::RelayTraffic traffic = world_.relay->traffic();
  EXPECT_TRUE(traffic.used_up);
  EXPECT_EQ(traffic.day_bytes, 8000 * (kFreely + kTrickle));
  EXPECT_EQ(traffic.quota_bytes, kBytesPerDay);
}

TEST_F(QuotaRelayPortsTest, CountsWhatIsPassedOnAndNothingElse) {
  join();
  a_.send(port_, "passed on");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  world_.scheduler.turn(kRelayEndSilence + 1ms);
  a_.send(port_, "to an end that is gone");
  ASSERT_TRUE(world_.until([&] { return counters().unheard == 1; }));
  EXPECT_EQ(world_.relay->traffic().day_bytes, std::string_view("passed on").size());
}

TEST_F(UdpRelayPortsTest, SaysOnceThatAPairIsIdle) {
  world_.open(kPair + 1);
  join();
  world_.scheduler.turn(kRelayIdle - 1s);
  stranger_.send(port_, "keeps nothing open");
  a_.send(port_, "in use");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  world_.scheduler.turn(1s);
  EXPECT_EQ(world_.idle, std::vector<rendezvous::RelayId>{kPair + 1});
  world_.scheduler.turn(kRelayIdle - 2s);
  EXPECT_EQ(world_.idle.size(), 1u);
  world_.scheduler.turn(1s);
  EXPECT_EQ(world_.idle, (std::vector<rendezvous::RelayId>{kPair + 1, kPair}));
  world_.scheduler.turn(1h);
  EXPECT_EQ(world_.idle.size(), 2u);
}

TEST_F(UdpRelayPortsTest, MayLoseAnyPairInTheIdleHandler) {
  world_.open(kPair + 1);
  world_.on_idle = [&](rendezvous::RelayId) {
    world_.relay->close(kPair);
    world_.relay->close(kPair + 1);
  };
  world_.scheduler.turn(kRelayIdle);
  EXPECT_EQ(world_.idle, std::vector<rendezvous::RelayId>{kPair});
}

TEST_F(UdpRelayPortsTest, MayBeDestroyedByTheIdleHandler) {
  world_.open(kPair + 1);
  world_.on_idle = [&](rendezvous::RelayId) { world_.relay.reset(); };
  world_.scheduler.turn(kRelayIdle);
  EXPECT_EQ(world_.idle.size(), 1u);
}

TEST_F(UdpRelayPortsTest, DeliversNothingMoreOfAPairClosedInTheBindHandler) {
  join();
  world_.on_bind = [&](rendezvous::RelayId id, const Endpoint&) { world_.relay->close(id); };
  const Endpoint other_port = world_.open(kPair + 1);
  a_.send(port_, "before");
  a_.send(port_, bind_saying("the last"));
  a_.send(port_, bind_saying("too late"));
  a_.send(port_, "too late");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty() && !world_.binds.empty(); }));
  world_.on_bind = nullptr;
  a_.send(other_port, bind_saying("another pair"));
  ASSERT_TRUE(world_.until([&] { return world_.binds.size() >= 2; }));
  EXPECT_EQ(world_.binds, (Texts{"the last", "another pair"}));
  EXPECT_EQ(b_.received, (Texts{"before"}));
}

TEST_F(UdpRelayPortsTest, MayBeDestroyedByTheBindHandler) {
  world_.on_bind = [&](auto, const Endpoint&) { world_.relay.reset(); };
  a_.send(port_, bind_saying("the last"));
  a_.send(port_, bind_saying("too late"));
  ASSERT_TRUE(world_.until([&] { return !world_.binds.empty(); }));
  a_.send(b_.endpoint(), "marker");
  ASSERT_TRUE(world_.until([&] { return !b_.received.empty(); }));
  EXPECT_EQ(world_.binds, (Texts{"the last"}));
}

TEST_F(UdpRelayPortsTest, IgnoresTheClosingOfAPairThatIsNotOpen) {
  world_.relay->close(kPair + 1);
  join();
  a_.send(port_, "still there");
  EXPECT_TRUE(world_.until([&] { return !b_.received.empty(); }));
}

/// Ports that were free a moment ago: a block that begins at one the kernel chose.
RelayPortOptions free_range(std::uint16_t count) {
  asio::io_context context;
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::vector<std::unique_ptr<AsioDatagramSocket>> held;
    std::uint16_t first = (*AsioDatagramSocket::open(context, 0))->local_port();
    if (first > 0xffff - count) continue;
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto wanted = static_cast<std::uint16_t>(first + i);
      held.push_back(std::move(*AsioDatagramSocket::open(context, wanted)));
      if (held.back()->local_port() != wanted) break;
    }
    if (held.back()->local_port() == first + count - 1) return {.first = first, .count = count};
  }
  ADD_FAILURE() << "no free ports";
  return {};
}

TEST(UdpRelayPorts, ChoosesFromTheOperatorsPortsAndReusesWhatWasClosed) {
  const RelayPortOptions options = free_range(3);
  RelayWorld world(options);
  std::set<std::uint16_t> ports;
  for (rendezvous::RelayId id = 1; id <= 3; ++id) ports.insert(world.open(id).port);
  EXPECT_EQ(ports.size(), 3u);
  EXPECT_EQ(*ports.begin(), options.first);
  EXPECT_EQ(*ports.rbegin(), options.first + 2);

  EXPECT_EQ(world.relay->open(4), 0);
  EXPECT_EQ(world.relay->counters().open_failed, 1u);
  world.relay->close(2);
  EXPECT_EQ(world.relay->open(4), options.first + 1);
}

TEST(UdpRelayPorts, PassesOverAPortThatAnotherProgramHolds) {
  const RelayPortOptions options = free_range(2);
  RelayWorld world(options);
  const auto other =
      AsioDatagramSocket::open_at(world.context, std::vector{Endpoint{{}, options.first}});
  ASSERT_TRUE(other);
  EXPECT_EQ(world.open(1).port, options.first + 1);
}

TEST(UdpRelayPorts, OpensNoMorePortsThanThereMayBePairs) {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur < 3 * rendezvous::kRelayedPairsMax) GTEST_SKIP() << "few descriptors";
  RelayWorld world;
  for (rendezvous::RelayId id = 1; id <= rendezvous::kRelayedPairsMax; ++id) world.open(id);
  EXPECT_EQ(world.relay->open(rendezvous::kRelayedPairsMax + 1), 0);
  world.relay->close(1);
  EXPECT_NE(world.relay->open(rendezvous::kRelayedPairsMax + 1), 0);
}

/// An end of which the kernel joins the datagrams, since it sends many at once (UDP_SEGMENT).
class JoiningEnd {
 public:
  void send(const Endpoint& to, const std::string& text, std::size_t datagram_bytes) {
    DepartureBatch batch;
    batch.add({to, std::nullopt, {as_bytes(text), datagram_bytes}});
    EXPECT_EQ(batch.send(socket_.fd.get()).failed, 0u);
  }
  [[nodiscard]] const Endpoint& endpoint() const { return socket_.local; }

 private:
  BoundSocket socket_ = std::move(*bind_udp({*IpAddress::parse("127.0.0.1"), 0}));
};

TEST_F(UdpRelayPortsTest, ForwardsJoinedDatagramsAsTheyWere) {
  JoiningEnd joining;
  world_.relay->join(kPair, joining.endpoint(), b_.endpoint());
  joining.send(port_, "aaaabbbbccccdd", 4);
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == 4; }));
  EXPECT_EQ(b_.received, (Texts{"aaaa", "bbbb", "cccc", "dd"}));
  EXPECT_EQ(counters().forwarded, 4u);
  EXPECT_EQ(counters().forwarded_bytes, 14u);
}

TEST_F(UdpRelayPortsTest, FindsBindsAmongJoinedDatagrams) {
  JoiningEnd joining;
  const std::size_t bytes = bind_saying("1").size();
  const std::string data(bytes, 'x');
  world_.relay->join(kPair, joining.endpoint(), b_.endpoint());
  joining.send(port_, bind_saying("1") + data + data + bind_saying("2") + data + bind_saying("3"),
               bytes);
  ASSERT_TRUE(world_.until([&] { return world_.binds.size() == 3 && b_.received.size() == 3; }));
  EXPECT_EQ(world_.binds, (Texts{"1", "2", "3"}));
  EXPECT_EQ(b_.received, (Texts{data, data, data}));
}

TEST_F(UdpRelayPortsTest, DeliversNothingMoreOfJoinedDatagramsWhoseFirstClosesThePair) {
  JoiningEnd joining;
  world_.relay->join(kPair, joining.endpoint(), b_.endpoint());
  world_.on_bind = [&](rendezvous::RelayId id, const Endpoint&) { world_.relay->close(id); };
  const std::string data(bind_saying("1").size(), 'x');
  joining.send(port_, bind_saying("1") + data + bind_saying("2") + data, data.size());
  ASSERT_TRUE(world_.until([&] { return !world_.binds.empty(); }));
  EXPECT_EQ(world_.binds, (Texts{"1"}));
  EXPECT_EQ(counters().forwarded + counters().send_failed, 0u);
}

TEST_F(UdpRelayPortsTest, ForwardsAllOfMorePiecesThanOneBatchHolds) {
  for (std::uint32_t i = 0; i < kRelayBindRate.burst; ++i) stranger_.send(port_, bind_saying("1"));
  ASSERT_TRUE(world_.until([&] { return world_.binds.size() == kRelayBindRate.burst; }));
  JoiningEnd joining;
  world_.relay->join(kPair, joining.endpoint(), b_.endpoint());
  const std::string data(bind_saying("1").size(), 'x');
  std::string interrupted;  // each bind, dropped from now on, parts the data around it
  constexpr std::size_t kParts = 30, kRuns = 3;
  static_assert(kParts * kRuns > kBatchMax);
  for (std::size_t i = 0; i < kParts; ++i) interrupted += data + bind_saying("1");
  for (std::size_t i = 0; i < kRuns; ++i) joining.send(port_, interrupted, data.size());
  ASSERT_TRUE(world_.until([&] { return b_.received.size() == kParts * kRuns; }));
  EXPECT_EQ(counters().binds_over_rate, kParts * kRuns);
}

TEST(UdpRelayPorts, SendsJoinedDatagramsOneByOneWhereTheyAreTooLargeForThePath) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  in_own_network([] {
    run_command("ip route add local 127.0.0.9/32 dev lo table local mtu 600");
    RelayWorld world;
    JoiningEnd joining;
    RelayedEnd narrow(world.context, "127.0.0.9");
    const Endpoint port = world.open(kPair);
    world.relay->join(kPair, joining.endpoint(), narrow.endpoint());
    const Endpoint second{*IpAddress::parse("127.0.0.2"), port.port};
    narrow.send(second, "speaks to the second address");
    ASSERT_TRUE(world.until([&] { return world.relay->counters().forwarded == 1; }));
    const std::string first(1000, 'x'), middle(1000, 'y'), last(10, 'z');
    joining.send(port, first + middle + last, 1000);
    ASSERT_TRUE(world.until([&] { return narrow.received.size() == 3; }));
    EXPECT_EQ(narrow.received, (Texts{first, middle, last}));
    EXPECT_EQ(narrow.sources, std::vector(3, second));
    EXPECT_EQ(world.relay->counters().forwarded, 4u);
  });
}

}  // namespace
}  // namespace kadwire::node
