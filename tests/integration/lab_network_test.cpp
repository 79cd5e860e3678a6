/// The lab itself: does its internet behave like one?

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "tests/integration/lab_fixture.h"
#include "tools/lab/ping_board.h"

namespace kadwire::lab {
namespace {

class LabNetwork : public LabTest {
 protected:
  Host& add(HostOptions options = {}) { return *must(lab().add_host(std::move(options))); }

  /// The time from now to the first answer; a long time if there is none.
  Duration round_trip(const Host& from, const IpAddress& to, Duration at_most = 2s) {
    PingBoard board;
    const TimePoint start = std::chrono::steady_clock::now();
    const auto flow = must(board.add(from, to, PingBoard::Until::kFirstReply));
    board.run_until([&] { return board.all_answered(); }, at_most);
    return board.flow(flow).first_reply.value_or(TimePoint::max()) - start;
  }

  /// Of ten: a busy machine may be late for some, but never early.
  Duration shortest_round_trip(const Host& from, const IpAddress& to) {
    Duration shortest = Duration::max();
    for (int i = 0; i < 10; ++i) shortest = std::min(shortest, round_trip(from, to));
    return shortest;
  }
};

TEST_F(LabNetwork, HostsReachEachOtherAfterTwoCablesEachWayOverBothFamilies) {
  const Host& a = add();
  const Host& b = add();
  for (const IpAddress& address : {b.ipv4(), b.ipv6()}) {
    const Duration time = shortest_round_trip(a, address);
    EXPECT_GE(time, 80ms) << address.to_string();
    EXPECT_LT(time, 100ms) << address.to_string();
  }
}

TEST_F(LabNetwork, ACableWithoutDelayAddsNone) {
  const Host& bootstrap = add({.name = "bootstrap", .cable = {}});
  const Host& a = add();
  const Duration time = shortest_round_trip(a, bootstrap.ipv4());
  EXPECT_GE(time, 40ms);
  EXPECT_LT(time, 60ms);
}

TEST_F(LabNetwork, AHostOfOneFamilyIsNotReachedByTheOther) {
  const Host& both = add();
  const Host& six = add({.families = Families::kIpv6Only});
  const Host& four = add({.families = Families::kIpv4Only});
  EXPECT_LT(round_trip(both, six.ipv6()), 1s);
  EXPECT_LT(round_trip(both, four.ipv4()), 1s);
  EXPECT_GT(round_trip(both, six.ipv4(), 300ms), 1s);
  EXPECT_GT(round_trip(both, four.ipv6(), 300ms), 1s);
}

TEST_F(LabNetwork, ALateReplyToAnEarlierPingIsNoReplyToThisOne) {
  const Host& a = add();
  const Host& b = add();
  {
    PingBoard earlier;
    must(earlier.add(a, b.ipv4(), PingBoard::Until::kForever));
    earlier.run(60ms);  // its replies are still on the way
  }
  EXPECT_GE(round_trip(a, b.ipv4()), 80ms);
}

TEST_F(LabNetwork, AFlowThatStaysUnansweredIsSilentAllThatTime) {
  const Host& a = add();
  const Host& b = add();
  PingBoard board;
  const auto answered = must(board.add(a, b.ipv4(), PingBoard::Until::kForever));
  const auto unanswered =
      must(board.add(a, *IpAddress::parse("198.18.1.99"), PingBoard::Until::kForever));
  board.run(1s);
  EXPECT_LT(board.longest_silence(answered), 500ms);
  EXPECT_GE(board.longest_silence(unanswered), 1s);
}

TEST_F(LabNetwork, LossLosesSomePacketsAndNotAll) {
  const Host& a = add();
  const Host& b = add({.cable = {.delay = 1ms, .loss = 0.3}});
  PingBoard board;
  const auto flow = must(board.add(a, b.ipv4(), PingBoard::Until::kForever));
  board.run(3s);
  const PingFlow& seen = board.flow(flow);
  EXPECT_GT(seen.sent, 200U);
  EXPECT_GT(seen.received, seen.sent / 4);
  EXPECT_LT(seen.received, seen.sent * 3 / 4);
}

TEST_F(LabNetwork, AHostHasItsOwnNameRunAndStateFolder) {
  const Host& a = add({.name = "alice"});
  const Host& b = add({.name = "bob"});
  must(a.run({"sh", "-c", "hostname > /run/name; echo mine > /var/lib/file"}));
  must(b.run({"sh", "-c", "hostname > /run/name; test ! -e /var/lib/file"}));
  EXPECT_EQ(read_text(a.outside("/run/name")), "alice\n");
  EXPECT_EQ(read_text(b.outside("/run/name")), "bob\n");
  EXPECT_EQ(read_text(a.outside("/var/lib/file")), "mine\n");
}

TEST_F(LabNetwork, CountsBytesAndPortsOfAHost) {
  const Host& a = add();
  const Host& b = add();
  EXPECT_FALSE(b.has_udp_port(4222));
  const node::UniqueFd server = must(b.open_socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(4222);
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  EXPECT_TRUE(b.has_udp_port(4222));

  const std::uint64_t before = b.counters(kHostInterface)->rx_bytes;
  EXPECT_LT(round_trip(a, b.ipv4()), 1s);
  EXPECT_GE(b.counters(kHostInterface)->rx_bytes, before + 36 + 14);
}

TEST_F(LabNetwork, KnowsAndStopsAProgramThatDoesNotWantToStop) {
  const Host& a = add();
  EXPECT_TRUE(a.processes().empty());
  auto stubborn = must(a.spawn(
      {"sh", "-c", "trap '' TERM; touch /run/trapped; while :; do sleep 1; done"}, "stubborn"));
  PingBoard clock;
  ASSERT_TRUE(
      clock.run_until([&] { return std::filesystem::exists(a.outside("/run/trapped")); }, 5s));
  EXPECT_EQ(a.processes().front().name, "sh");

  EXPECT_EQ(stubborn.stop(100ms), 128 + SIGKILL);
  EXPECT_FALSE(stubborn.running());
}

TEST_F(LabNetwork, ANewLabInTheSameCellStartsEmpty) {
  must(add().spawn({"sleep", "infinity"}, "sleeper"));
  reset_lab();
  const Host& again = add();
  EXPECT_EQ(again.number(), 1U);
  EXPECT_TRUE(again.processes().empty());
  const Host& other = add();
  EXPECT_LT(round_trip(again, other.ipv6()), 1s);
}

}  // namespace
}  // namespace kadwire::lab
