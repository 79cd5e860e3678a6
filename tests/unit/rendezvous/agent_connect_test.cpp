/// Two members, and a third in between: how agents come to a path, keep it and find another.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentConnect : public AgentPair {};

TEST_F(AgentConnect, TwoBehindFiltersConnectWithinTwoRoundTripsOfBothKnowing) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  a.filtered = b.filtered = true;
  know_each_other(a, b);
  EXPECT_TRUE(connect(a, b, 2 * kRoundTrip + kCheckSpacing));
  EXPECT_EQ(a.path_to(b)->endpoint, b.endpoints[0]);
  EXPECT_FALSE(a.path_to(b)->relay);
  EXPECT_EQ(a.path_to(b)->quality.rtt, kRoundTrip);
}

TEST_F(AgentConnect, OnlyOfTheTwoOneLetsWireguardInitiate) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  EXPECT_NE(a.changes[0].initiate, b.changes[0].initiate);
}

/// A check that began before the choice is answered, and with that it is over; the follower, which
/// has not been told, must hear of the choice all the same.
TEST_F(AgentConnect, BothHaveTheSamePathHoweverTheirCallsOverlap) {
  for (Duration later = 0ms; later <= 3 * kRoundTrip; later += 1ms) {
    AgentWorld world(static_cast<std::uint64_t>(later / 1ms));
    Member& a = world.add(kBoth[0]);
    Member& b = world.add(kBoth[1]);
    world.fate = [](Packet& packet) {
      const bool call = packet.payload[1] == static_cast<std::byte>(FrameType::kCall);
      return Fate{false, call ? kLatency + 2ms : kLatency};
    };
    Member& first = later / 1ms % 2 == 0 ? a : b;
    first.meet(&first == &a ? b : a);
    world.run_for(later);
    know_each_other(a, b);
    world.run_for(kCheckSpacing + 4 * kRoundTrip);
    EXPECT_TRUE(a.reaches(b) && b.reaches(a)) << later / 1ms << " ms later";
  }
}

TEST_F(AgentConnect, OneWhoKnowsIsEnough) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  a.meet(b);
  EXPECT_TRUE(connect(a, b, 3 * kRoundTrip));
  EXPECT_EQ(b.records, 1U);
}

TEST_F(AgentConnect, AStrangersCallIsAnsweredOnlyOnceItIsAPeer) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  b.admits = false;
  a.meet(b);
  world_.run_for(1s);
  EXPECT_EQ(b.packets_out, 0U);
  b.meet(a);
  EXPECT_TRUE(connect(a, b, 3 * kRoundTrip));
}

TEST_F(AgentConnect, AStrangersCallThatWaitedTooLongIsNotAnswered) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  b.admits = false;
  a.meet(b);
  world_.run_for(kLatency + 1ms);
  ASSERT_EQ(b.packets_in, 1U);
  cut(a, b);
  world_.run_for(kStrangerPatience + kRoundTrip);
  EXPECT_FALSE(b.agent->next_timeout());
  world_.records = true;
  b.meet(a);
  world_.run_for(1ms);
  ASSERT_FALSE(world_.sent.empty());
  for (const Packet& packet : world_.sent) {
    EXPECT_NE(packet.payload[1], static_cast<std::byte>(FrameType::kAnswer));
  }
}

TEST_F(AgentConnect, ThreeCopiesOfAStrangersCallGetOneSession) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  b.admits = false;
  Bytes call;
  world_.fate = [&](Packet& packet) {
    if (world_.owner_of(packet.from) == &a) call = packet.payload;
    return Fate{true};
  };
  a.meet(b);
  world_.run_for(1ms);
  mend();
  for (std::string_view from :
       {kA, std::string_view("198.51.100.1:4"), std::string_view("198.51.100.1:5")}) {
    world_.deliver(b, endpoint(from), call);
  }
  world_.settle();
  EXPECT_EQ(b.records, 1U);
  world_.fate = [&](Packet& packet) {
    // The first answer is the one that arrives; what a tries again does not.
    return Fate{world_.owner_of(packet.from) == &a &&
                packet.payload[1] == static_cast<std::byte>(FrameType::kCall)};
  };
  world_.records = true;
  b.meet(a);
  std::set<Bytes> answers;
  std::size_t count = 0;
  for (const Packet& packet : world_.sent) {
    if (packet.payload[1] != static_cast<std::byte>(FrameType::kAnswer)) continue;
    answers.insert(packet.payload);
    ++count;
  }
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_TRUE(connect(a, b, 3 * kRoundTrip));
}

TEST_F(AgentConnect, LossOfATenthDelaysAConnectionBySecondsAtMost) {
  testnet::SeededRandom random(7);
  world_.fate = [&](Packet&) { return Fate{random.chance(0.1)}; };
  for (int pair = 0; pair < 20; ++pair) {
    const std::string host = std::to_string(pair + 10);
    Member& a = world_.add("198.51.100." + host + ":51820");
    Member& b = world_.add("203.0.113." + host + ":51820");
    a.filtered = b.filtered = true;
    know_each_other(a, b);
    EXPECT_TRUE(connect(a, b, 3s)) << pair;
  }
}

TEST_F(AgentConnect, AnIntroducerCarriesACallBetweenTwoThatCannotReachEachOther) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  Member& m = world_.add(kM);
  for (Member* member : {&a, &b}) {
    member->meet(m);
    ASSERT_TRUE(connect(*member, m));
  }
  cut(a, b);
  know_each_other(a, b);
  const auto established = [&] {
    const auto* session = a.agent->session(b.id());
    return session->established() && !session->working_introducers().empty();
  };
  EXPECT_TRUE(world_.run_until(established, 2s));
  EXPECT_FALSE(a.reaches(b));
  EXPECT_EQ(a.agent->session(b.id())->working_introducers(), std::vector{m.id()});
  EXPECT_GT(m.agent->stats().forwarded, 0U);
  mend();
  EXPECT_TRUE(connect(a, b, 30s));
}

TEST_F(AgentConnect, ThePathThatDiesUnderDataIsReplacedWithinTwoSeconds) {
  Member& a = world_.add(kBoth[0]);
  Member& b = world_.add(kBoth[1]);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(5s);
  const AddressFamily family = a.path_to(b)->endpoint.address.family();
  cut(family);
  report_silence(a, b);
  const auto moved = [&] {
    return a.reaches(b) && b.reaches(a) && a.path_to(b)->endpoint.address.family() != family &&
           b.path_to(a)->endpoint.address.family() != family;
  };
  EXPECT_TRUE(world_.run_until(moved, 2s));
}

TEST_F(AgentConnect, DoubtsOfBothSidesSettleAndDoNotEcho) {
  Member& a = world_.add(kBoth[0]);
  Member& b = world_.add(kBoth[1]);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(5s);
  cut(a.path_to(b)->endpoint.address.family());
  report_silence(a, b);
  report_silence(b, a);
  world_.run_for(4s);
  mend();
  world_.run_for(4s);
  EXPECT_TRUE(a.reaches(b) && b.reaches(a));
  const std::size_t packets = a.packets_out + b.packets_out;
  const std::size_t changes = a.changes.size() + b.changes.size();
  world_.run_for(10min);
  EXPECT_EQ(a.changes.size() + b.changes.size(), changes);
  EXPECT_LE(a.packets_out + b.packets_out, packets + 4);
  EXPECT_LE(changes, 10U);
}

TEST_F(AgentConnect, PathsThatComeBackEndADoubtWithoutAnEcho) {
  for (const bool of_leader : {true, false}) {
    AgentWorld world;
    Member& a = world.add(kBoth[0]);
    Member& b = world.add(kBoth[1]);
    know_each_other(a, b);
    ASSERT_TRUE(world.run_until([&] { return a.reaches(b) && b.reaches(a); }, 2s));
    world.run_for(5s);
    Member& leader = controlling(a, b);
    Member& doubter = of_leader ? leader : (&leader == &a ? b : a);
    Member& other = &doubter == &a ? b : a;
    world.fate = [](Packet&) { return Fate{true}; };
    report_silence(doubter, other);
    ASSERT_TRUE(world.run_until([&] { return !doubter.reaches(other); }, 3s));
    // Both work again, one far slower, so that words of the old state come late.
    world.fate = [](Packet& packet) {
      return Fate{false, packet.to.address.is_v4() ? 20ms : 150ms};
    };
    const std::size_t changes = a.changes.size() + b.changes.size();
    world.run_for(10s);
    EXPECT_TRUE(a.reaches(b) && b.reaches(a));
    EXPECT_LE(a.changes.size() + b.changes.size(), changes + 3) << of_leader;
  }
}

TEST_F(AgentConnect, AFollowerThatMissedTheChoiceIsToldAgain) {
  Member& a = world_.add(kBoth[0]);
  Member& b = world_.add(kBoth[1]);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(5s);
  Member& leader = controlling(a, b);
  Member& follower = &leader == &a ? b : a;
  // A doubt of the follower's alone: its "lost" never arrives.
  cut(follower.path_to(leader)->endpoint.address.family());
  report_silence(follower, leader);
  world_.run_until([&] { return !follower.reaches(leader); }, 3s);
  mend();
  EXPECT_TRUE(connect(a, b, 5s));
}

TEST_F(AgentConnect, AnOwnAddressThatChangesIsFollowedWithinTwoRoundTrips) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(1min);
  a.endpoints = {endpoint("198.51.100.77:51820")};
  a.tell_network();
  world_.settle();
  const auto moved = [&] {
    return a.reaches(b) && b.reaches(a) && b.path_to(a)->endpoint == a.endpoints[0];
  };
  EXPECT_TRUE(world_.run_until(moved, 2 * kRoundTrip));
}

TEST_F(AgentConnect, AnAddressThatIsAddedCostsNoPathAndMayBringABetterOne) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kBoth[1]);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(1min);
  const std::size_t changes_before = a.changes.size() + b.changes.size();
  a.endpoints.push_back(endpoint("[2001:db8:1::1]:51820"));
  a.tell_network();
  world_.settle();
  EXPECT_TRUE(a.reaches(b) && b.reaches(a));
  a.publish();
  world_.settle();
  const auto better = [&] {
    return a.path_to(b)->endpoint == b.endpoints[1] && b.path_to(a)->endpoint == a.endpoints[1];
  };
  EXPECT_TRUE(world_.run_until(better, 2s));
  EXPECT_EQ(a.changes.size() + b.changes.size(), changes_before + 2) << "one each";
}

TEST_F(AgentConnect, AnAddressThatWentAndCameAsAnotherIsAChange) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(1min);
  const auto before = a.endpoints;
  a.endpoints.clear();
  a.tell_network();
  world_.run_for(30s);
  a.endpoints = {endpoint("198.51.100.77:51820")};
  a.tell_network();
  world_.settle();
  const auto moved = [&] {
    return a.reaches(b) && b.reaches(a) && b.path_to(a)->endpoint == a.endpoints[0];
  };
  EXPECT_TRUE(world_.run_until(moved, 1s));
}

TEST_F(AgentConnect, APeerThatWasRestartedIsConnectedAgain) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  a.filtered = true;
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(1min);
  b.restart();
  b.meet(a);
  EXPECT_TRUE(world_.run_until([&] { return b.reaches(a); }, 3 * kRoundTrip));
  EXPECT_TRUE(a.reaches(b));
}

TEST_F(AgentConnect, AMovedPeerIsFollowedAfterItsRestart) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  const auto move = [&](std::string_view to) {
    b.endpoints = {endpoint(to)};
    b.tell_network();
    world_.settle();
    return world_.run_until(
        [&] { return a.reaches(b) && a.path_to(b)->endpoint == b.endpoints[0]; }, 500ms);
  };
  world_.run_for(20s);
  ASSERT_TRUE(move("203.0.113.5:51820"));  // its epoch is 1 now
  world_.run_for(20s);
  b.restart();  // and 0 again
  b.meet(a);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(20s);
  EXPECT_TRUE(move("203.0.113.6:51820"));
}

TEST_F(AgentConnect, APathChosenWhileTheSessionIsToBeRenewedLeavesNoTimerInThePast) {
  Member& a = world_.add(kBoth[0]);
  Member& b = world_.add(kBoth[1]);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(59min);
  world_.fate = [](Packet& packet) {
    return Fate{packet.payload[1] == static_cast<std::byte>(FrameType::kCall), kLatency};
  };
  world_.run_for(7min);  // both want to renew, and cannot
  const AddressFamily family = a.path_to(b)->endpoint.address.family();
  const auto calls_lost = world_.fate;
  world_.fate = [&](Packet& packet) {
    Fate fate = calls_lost(packet);
    fate.dropped |= packet.to.address.family() == family;
    return fate;
  };
  report_silence(a, b);
  world_.run_for(5s);  // the world looks at every timer after every event
  EXPECT_NE(a.path_to(b)->endpoint.address.family(), family) << "else no path was chosen";
}

TEST_F(AgentConnect, ASessionIsRenewedAfterAnHourAndThePathStays) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  world_.run_for(59min);
  const std::size_t packets = a.packets_out + b.packets_out;
  for (int i = 0; i < 3 * 60; ++i) {
    world_.run_for(1min);
    ASSERT_TRUE(a.reaches(b) && b.reaches(a)) << i;
  }
  EXPECT_EQ(a.changes.size(), 1U);
  EXPECT_EQ(b.changes.size(), 1U);
  EXPECT_GT(a.packets_out + b.packets_out, packets);
  EXPECT_LE(a.packets_out + b.packets_out, packets + 100);
}

TEST_F(AgentConnect, AnIntroducerThatIsNoMemberAnyMoreIsNotAskedAgain) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  Member& m = world_.add(kM);
  for (Member* member : {&a, &b}) {
    member->meet(m);
    ASSERT_TRUE(connect(*member, m));
  }
  cut(a, b);
  know_each_other(a, b);
  ASSERT_TRUE(world_.run_until(
      [&] { return !a.agent->session(b.id())->working_introducers().empty(); }, 2s));
  a.agent->remove_peer(m.id());
  EXPECT_TRUE(a.agent->session(b.id())->working_introducers().empty());
  world_.run_for(10s);
  EXPECT_TRUE(a.agent->session(b.id())->working_introducers().empty());
}

TEST_F(AgentConnect, APeerRemovedAtAnyMomentLeavesNothingToDo) {
  for (Duration moment = 0ms; moment <= 400ms; moment += 7ms) {
    AgentWorld world;
    Member& a = world.add(kA);
    Member& b = world.add(kB);
    b.admits = false;
    a.meet(b);
    world.run_for(moment / 2);
    b.meet(a);
    world.run_for(moment / 2);
    a.agent->remove_peer(b.id());
    b.agent->keep_only([](const auto&) { return false; });
    EXPECT_EQ(a.agent->session(b.id()), nullptr);
    world.run_for(kStrangerPatience + 1s);
    EXPECT_FALSE(a.agent->next_timeout()) << moment.count();
    EXPECT_FALSE(b.agent->next_timeout()) << moment.count();
  }
}

TEST_F(AgentConnect, APeerRemovedAndMetAgainIsConnectedAtOnce) {
  Member& a = world_.add(kA);
  Member& b = world_.add(kB);
  know_each_other(a, b);
  ASSERT_TRUE(connect(a, b));
  b.agent->remove_peer(a.id());
  a.agent->remove_peer(b.id());
  world_.run_for(kRoundTrip);
  know_each_other(a, b);
  EXPECT_TRUE(connect(a, b, 3 * kRoundTrip));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
