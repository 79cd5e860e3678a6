/// Two members that cannot reach each other, and others that relay between them.

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentRelay : public AgentPair {
 protected:
  Member& add_relay(std::string_view endpoint) {
    Member& relay = world_.add(endpoint);
    relay.offers_relay = true;
    relay.publish();
    relays_.push_back(&relay);
    return relay;
  }
  /// The two, which cannot reach each other, reach the relays.
  bool connect_relays() {
    for (Member* relay : relays_) {
      for (Member* member : {&a_, &b_}) {
        member->meet(*relay);
        if (!connect(*member, *relay)) return false;
      }
    }
    cut(a_, b_);
    return true;
  }
  /// True once the two use a relay.
  bool connect_relayed() {
    if (!connect_relays()) return false;
    know_each_other(a_, b_);
    return connect(a_, b_, 1500ms);
  }
  [[nodiscard]] std::size_t relays_known(const Member& at, const Member& about) const {
    return at.agent->session(about.id())->relays().size();
  }
  /// The relay in use answers nobody any more, and the two not each other.
  const Member& kill_relay_in_use() {
    const Member& dead = *world_.owner_of({a_.path_to(b_)->endpoint.address, 51820});
    world_.fate = [this, &dead](Packet& packet) {
      const bool from_or_to_dead = packet.from.address == dead.endpoints[0].address ||
                                   packet.to.address == dead.endpoints[0].address;
      const Member* from = world_.owner_of(packet.from);
      const Member* to = world_.owner_of(packet.to);
      return Fate{from_or_to_dead || (from == &a_ && to == &b_) || (from == &b_ && to == &a_)};
    };
    return dead;
  }
  void expect_takeover(bool leader_notices, bool follower_notices) {
    add_relay(kM);
    add_relay(kN);
    ASSERT_TRUE(connect_relayed());
    world_.run_for(5s);
    ASSERT_EQ(relays_known(a_, b_), 2U);
    Member& leader = controlling(a_, b_);
    Member& follower = &leader == &a_ ? b_ : a_;
    const Member& dead = kill_relay_in_use();
    if (leader_notices) report_silence(leader, follower, 1);
    if (follower_notices) report_silence(follower, leader, 1);
    const auto moved = [&] {
      return leader.reaches(follower) && follower.reaches(leader) &&
             leader.path_to(follower)->relay != dead.id() &&
             follower.path_to(leader)->relay != dead.id();
    };
    EXPECT_TRUE(world_.run_until(moved, 500ms));
  }

  Member& a_ = world_.add(kA);
  Member& b_ = world_.add(kB);
  std::vector<Member*> relays_;
};

TEST_F(AgentRelay, ARelayIsAskedAndBothEndsUseIt) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  EXPECT_EQ(a_.path_to(b_)->relay, relays_[0]->id());
  EXPECT_EQ(b_.path_to(a_)->relay, relays_[0]->id());
  EXPECT_EQ(a_.path_to(b_)->endpoint, b_.path_to(a_)->endpoint);
}

/// They met straight away, so no member ever passed anything on between them; nothing else can say
/// which relay is asked when that path dies while the session is young.
TEST_F(AgentRelay, TakesOverFromADirectPathThatDiesBeforeAnythingWasPassedOn) {
  Member& relay = add_relay(kM);
  for (Member* member : {&a_, &b_}) {
    member->meet(relay);
    ASSERT_TRUE(connect(*member, relay));
  }
  know_each_other(a_, b_);
  ASSERT_TRUE(connect(a_, b_));
  world_.run_for(2s);
  ASSERT_TRUE(a_.agent->session(b_.id())->working_introducers().empty());
  cut(a_, b_);
  report_silence(a_, b_);
  report_silence(b_, a_);
  const auto relayed = [&] {
    return a_.reaches(b_) && b_.reaches(a_) && a_.path_to(b_)->relay && b_.path_to(a_)->relay;
  };
  EXPECT_TRUE(world_.run_until(relayed, 2500ms));
}

/// One run of the above.
class OneRun : public AgentRelay {
 public:
  void TestBody() override {}
  /// What stands before each of the two, and where it is seen.
  struct Side {
    NatBehavior nat;
    std::string_view seen;
  };
  void set_sides(const Side& a, const Side& b) {
    a_.behavior = a.nat;
    b_.behavior = b.nat;
    a_.claims = {endpoint(a.seen)};
    b_.claims = {endpoint(b.seen)};
    a_.publish();
    b_.publish();
  }
  /// `lost`: this packet of the members or of the relay is, counted from 0. nullopt: not within
  /// three seconds.
  std::optional<Duration> time_to_connect(int lost = -1) {
    add_relay(kM);
    if (!connect_relays()) return std::nullopt;
    const auto cut_off = world_.fate;
    int packets = 0;
    world_.fate = [cut_off, lost, packets](Packet& packet) mutable {
      Fate fate = cut_off(packet);
      if (!fate.dropped && packets++ == lost) fate.dropped = true;
      return fate;
    };
    const TimePoint begun = world_.now().steady;
    know_each_other(a_, b_);
    if (!connect(a_, b_, 3s)) return std::nullopt;
    return world_.now().steady - begun;
  }
};

TEST(AgentRelayLosses, WhicheverPacketIsLostCostsHalfASecondAtMost) {
  const auto undisturbed = OneRun().time_to_connect();
  ASSERT_TRUE(undisturbed);
  for (int lost = 0; lost < 60; ++lost) {
    const auto time = OneRun().time_to_connect(lost);
    ASSERT_TRUE(time) << "packet " << lost;
    EXPECT_LE(*time, *undisturbed + 500ms) << "packet " << lost;
  }
}

/// How long the way through a relay takes where no direct one works.
class AgentRelayTimes : public ::testing::Test {
 public:
  using Side = OneRun::Side;

  static NatBehavior nat(MappingBehavior mapping) {
    NatBehavior nat;
    nat.mapping = mapping;
    return nat;
  }

  static std::optional<Duration> time_between(const Side& a, const Side& b) {
    OneRun run;
    run.set_sides(a, b);
    return run.time_to_connect();
  }

  const Side open_{nat(MappingBehavior::kNone), "198.51.100.7:1"};
  const Side constant_{nat(MappingBehavior::kEndpointIndependent), "198.51.100.8:1"};
  const Side in_a_row_{varying_nat(false, 1), "198.51.100.9:1"};
  const Side by_chance_{varying_nat(true), "198.51.100.10:1"};
  const std::optional<Duration> patient_ = time_between(constant_, constant_);
};

TEST_F(AgentRelayTimes, ADirectPathIsWaitedForWhereOneMayWork) {
  ASSERT_TRUE(patient_);
  EXPECT_EQ(time_between(open_, by_chance_), patient_);
  EXPECT_EQ(time_between(in_a_row_, open_), patient_);
  const Side beside{varying_nat(true), "198.51.100.10:2"};
  EXPECT_EQ(time_between(by_chance_, beside), patient_) << "of one site: they may meet inside";
}

TEST_F(AgentRelayTimes, NobodyWaitsWhereItTakesGuessesOrLuckAtBest) {
  const Side elsewhere{varying_nat(true), "198.51.100.11:1"};
  // The call goes to the relay and on, the request for a port there and back; a bind, a challenge
  // and the proof; and a ping through the relay.
  EXPECT_EQ(time_between(by_chance_, elsewhere), 8 * kLatency);
  EXPECT_EQ(time_between(by_chance_, constant_), 8 * kLatency);
  EXPECT_EQ(time_between(constant_, by_chance_), 8 * kLatency);
  EXPECT_EQ(time_between(in_a_row_, constant_), 8 * kLatency);
}

TEST_F(AgentRelay, WhereNoFamilyIsSharedARelayIsAskedAtOnce) {
  Member& relay = add_relay("192.0.2.3:51820 [2001:db8:3::3]:51820");
  Member& six = world_.add("[2001:db8:2::2]:51820");
  for (Member* member : {&a_, &six}) {
    member->meet(relay);
    ASSERT_TRUE(connect(*member, relay));
  }
  know_each_other(a_, six);
  world_.run_for(kLatency);
  EXPECT_NE(a_.agent->session(six.id())->history().last(PairEventKind::kRelayAsked), nullptr);
  EXPECT_NE(six.agent->session(a_.id())->history().last(PairEventKind::kRelayAsked), nullptr);
}

TEST_F(AgentRelay, ARelayThatWasAskedWithTheCallIsNotAskedAgain) {
  add_relay(kM);
  for (Member* member : {&a_, &b_}) {
    member->behavior = varying_nat(true);
    member->publish();
  }
  ASSERT_TRUE(connect_relayed());
  Member& leader = controlling(a_, b_);
  const Member& follower = &leader == &a_ ? b_ : a_;
  const PairEvent* asked =
      leader.agent->session(follower.id())->history().last(PairEventKind::kRelayAsked);
  ASSERT_NE(asked, nullptr);
  EXPECT_EQ(asked->count, 1);
  EXPECT_EQ(world_.open_relay_ports(), 1U);
}

TEST_F(AgentRelay, ARelayThatWasAskedInVainIsAskedAgainOnceThePeerIsThere) {
  Member& relay = add_relay(kM);
  for (Member* member : {&a_, &b_}) {
    member->behavior = varying_nat(true);
    member->publish();
  }
  cut(a_, b_);
  a_.meet(relay);
  ASSERT_TRUE(connect(a_, relay));
  a_.meet(b_);
  world_.run_for(2min);
  ASSERT_EQ(world_.open_relay_ports(), 0U) << "the relay keeps nothing for one alone";
  b_.meet(relay);
  ASSERT_TRUE(connect(b_, relay));
  b_.meet(a_);
  // The call is answered, and the relay asked, once it has come; the rest is as above.
  EXPECT_TRUE(connect(a_, b_, 12 * kLatency));
}

TEST_F(AgentRelay, APathThroughARelayIsTakenAsSoonAsAPingOfThePeerCameThrough) {
  add_relay(kM);
  ASSERT_TRUE(connect_relays());
  Member& leader = controlling(a_, b_);
  Member& follower = &leader == &a_ ? b_ : a_;
  // Of what comes through to the leader the first ping does, and no pong.
  int passed_on = 0;
  const auto cut_off = world_.fate;
  world_.fate = [&, cut_off](Packet& packet) {
    const Endpoint& relay = relays_[0]->endpoints[0];
    const bool by_the_pair = packet.from.address == relay.address && packet.from.port != relay.port;
    const bool session = packet.payload.at(1) == static_cast<std::byte>(FrameType::kSession);
    const bool is_through = by_the_pair && session && packet.to == leader.endpoints[0];
    return Fate{cut_off(packet).dropped || (is_through && passed_on++ > 0)};
  };
  know_each_other(a_, b_);
  EXPECT_TRUE(world_.run_until([&] { return leader.reaches(follower); }, 1500ms));
  EXPECT_GT(leader.path_to(follower)->quality.rtt, Duration{0});
  EXPECT_TRUE(world_.run_until([&] { return !leader.reaches(follower); }, 5s))
      << "what is never answered is not kept";
}

TEST_F(AgentRelay, ARelayThatDidNotAnswerTheFollowerIsAskedInALaterRoundAgain) {
  add_relay(kM);
  ASSERT_TRUE(connect_relays());
  Member& leader = controlling(a_, b_);
  const Member& follower = &leader == &a_ ? b_ : a_;
  bool deaf = true;  // the relay, to all that the follower says to it
  const auto cut_off = world_.fate;
  world_.fate = [&, cut_off](Packet& packet) {
    const bool said = packet.from == follower.endpoints[0] && packet.to == relays_[0]->endpoints[0];
    const bool passed_on = packet.payload.size() > 100;  // what it says to its peer by the relay
    return Fate{cut_off(packet).dropped || (deaf && said && !passed_on)};
  };
  know_each_other(a_, b_);
  world_.run_for(3s);
  ASSERT_FALSE(leader.reaches(follower));
  deaf = false;
  EXPECT_TRUE(connect(a_, b_, 3s));
}

TEST_F(AgentRelay, WhatIsSeenThroughARelayIsNoOwnMapping) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(5s);
  for (Member* member : {&a_, &b_}) {
    ASSERT_FALSE(member->seen.empty());
    for (const SeenByPeer& seen : member->seen) EXPECT_EQ(seen.mapped, member->endpoints[0]);
  }
}

TEST_F(AgentRelay, ADirectPathReplacesARelayedOneWithoutAMomentWithoutAny) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  const auto direct = [&] {
    EXPECT_TRUE(a_.reaches(b_) && b_.reaches(a_));
    return !a_.path_to(b_)->relay && !b_.path_to(a_)->relay;
  };
  EXPECT_TRUE(world_.run_until(direct, 30s));
}

TEST_F(AgentRelay, ASecondOneIsKeptInReserveForMinutesAtAPingEachTwentySeconds) {
  add_relay(kM);
  add_relay(kN);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(2s);
  EXPECT_EQ(relays_known(a_, b_), 2U);
  EXPECT_EQ(relays_known(b_, a_), 2U);
  cut(a_, b_);
  world_.run_for(30min);  // attempts at direct paths have become rare
  const std::size_t packets = a_.packets_out + b_.packets_out;
  const std::size_t changes = a_.changes.size() + b_.changes.size();
  world_.run_for(10min);
  EXPECT_EQ(relays_known(a_, b_), 2U);
  EXPECT_EQ(relays_known(b_, a_), 2U);
  EXPECT_EQ(a_.changes.size() + b_.changes.size(), changes);
  EXPECT_LE(a_.packets_out + b_.packets_out, packets + 300);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenTheControllingSideNotices) {
  expect_takeover(true, false);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenTheFollowerNotices) {
  expect_takeover(false, true);
}

TEST_F(AgentRelay, TheReserveTakesOverWithinHalfASecondWhenBothNotice) {
  expect_takeover(true, true);
}

TEST_F(AgentRelay, WhatIsSentNowAndThenIsGivenARoundTripForItsAnswerBeforeAnyPing) {
  add_relay(kM);
  add_relay(kN);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(5s);
  const std::size_t packets = a_.packets_out;
  const auto say = [&](bool sent, bool received) {
    a_.agent->handle_traffic(world_.now(), b_.id(), sent, received);
    world_.settle();
  };
  for (int i = 0; i < 5; ++i) {
    say(true, false);
    world_.run_for(2 * kRoundTrip);  // it has four legs
    say(false, true);
    world_.run_for(1s);
  }
  EXPECT_LE(a_.packets_out, packets + 3) << "what keeps the reserve";
  say(true, false);
  world_.run_for(3 * kRoundTrip);
  EXPECT_GE(a_.packets_out, packets + 2) << "nothing came: now it is asked";
}

TEST_F(AgentRelay, WhereThereIsOneOnlyAnotherIsLookedForRarely) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  world_.run_for(30min);
  const std::size_t packets = relays_[0]->packets_in;
  world_.run_for(10min);
  EXPECT_LE(relays_[0]->packets_in, packets + 100);
}

TEST_F(AgentRelay, BothAreReleasedOnceADirectPathLasts) {
  add_relay(kM);
  add_relay(kN);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  EXPECT_EQ(world_.open_relay_ports(), 2U) << "WireGuard may still be using one";
  world_.run_for(1s);
  EXPECT_EQ(world_.open_relay_ports(), 0U);
  const std::size_t packets = relays_[0]->packets_in + relays_[1]->packets_in;
  world_.run_for(10min);
  EXPECT_LE(relays_[0]->packets_in + relays_[1]->packets_in, packets + 10);
}

TEST_F(AgentRelay, StaysForAMinuteAtMostWhileWireGuardStillUsesIt) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  for (Duration passed{}; passed < kReleaseDelayMax - 1s; passed += 1s) {
    a_.agent->note_relay_used(world_.now(), b_.id());
    world_.run_for(1s);
    ASSERT_EQ(world_.open_relay_ports(), 1U) << "b has no reason to stay, a has: " << passed / 1s;
  }
  a_.agent->note_relay_used(world_.now(), b_.id());
  world_.run_for(2s);
  EXPECT_EQ(world_.open_relay_ports(), 0U);
}

TEST_F(AgentRelay, WhatStillComesFromARelayThatWasReleasedMakesNoDirectPath) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  const Endpoint port = a_.path_to(b_)->endpoint;
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  // b holds on to the relay, and sends a ping of all paths over it when a has let go.
  for (Duration passed{}; passed < kReleaseDelay + 2s; passed += 1s) {
    b_.agent->note_relay_used(world_.now(), a_.id());
    world_.run_for(1s);
  }
  const PunchSession& session = *a_.agent->session(b_.id());
  EXPECT_TRUE(session.relays().empty());
  EXPECT_EQ(session.relay_at(port), relays_[0]->id());
  ASSERT_TRUE(b_.agent->probe(world_.now(), a_.id()));
  world_.run_for(500ms);
  cut(a_, b_);  // what is left is the relay, and is not to be taken for anything else
  report_silence(a_, b_);
  report_silence(b_, a_);
  const auto at_relay = [&] {
    return a_.reaches(b_) && a_.path_to(b_)->endpoint.address == port.address;
  };
  ASSERT_TRUE(world_.run_until(at_relay, 10s));
  EXPECT_TRUE(a_.path_to(b_)->relay);
  EXPECT_EQ(session.relay_at(port), relays_[0]->id());
}

TEST_F(AgentRelay, AReleaseThatIsLostIsSaidAgain) {
  Member& relay = add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  ASSERT_EQ(world_.open_relay_ports(), 1U);
  int lost = 0;
  world_.fate = [&](Packet& packet) {  // the first two of each, and whatever else goes there
    return Fate{packet.to == relay.endpoints[0] && ++lost > 0};
  };
  world_.run_for(2s);
  ASSERT_GE(lost, 4);
  EXPECT_EQ(world_.open_relay_ports(), 1U);
  mend();
  world_.run_for(2s);
  EXPECT_EQ(world_.open_relay_ports(), 0U);
}

TEST_F(AgentRelay, ARelayThatSaysNothingIsToldOfItsReleaseFourTimesAtMost) {
  Member& relay = add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 500ms);
  world_.fate = [&](Packet& packet) { return Fate{packet.from == relay.endpoints[0]}; };
  const std::size_t packets = relay.packets_in;
  world_.run_for(30s);
  EXPECT_LE(relay.packets_in, packets + 2 * kReleasesMax);
  EXPECT_GT(relay.packets_in, packets + kReleasesMax) << "two members";
}

TEST_F(AgentRelay, ARelayNeededAgainIsNotReleasedByWhatWasSaidBefore) {
  add_relay(kM);
  ASSERT_TRUE(connect_relayed());
  mend();
  ASSERT_TRUE(world_.run_until([&] { return a_.reaches(b_) && !a_.path_to(b_)->relay; }, 30s));
  world_.run_for(kReleaseDelay - 1ms);
  // No answer to a release gets through, and the direct path is gone a moment later.
  const Member& relay = *relays_[0];
  world_.run_until([&] { return world_.open_relay_ports() == 0; }, 1s);
  cut(a_, b_);
  const auto cut_off = world_.fate;
  const auto answers_lost_until = world_.now().steady + 100ms;
  world_.fate = [&, cut_off](Packet& packet) {
    const bool early = world_.now().steady < answers_lost_until;
    return Fate{cut_off(packet).dropped || (early && packet.from == relay.endpoints[0])};
  };
  report_silence(a_, b_);
  report_silence(b_, a_);
  ASSERT_TRUE(world_.run_until(
      [&] { return a_.reaches(b_) && b_.reaches(a_) && a_.path_to(b_)->relay; }, 10s));
  world_.run_for(20s);
  EXPECT_EQ(world_.open_relay_ports(), 1U);
  EXPECT_TRUE(a_.reaches(b_) && b_.reaches(a_));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
