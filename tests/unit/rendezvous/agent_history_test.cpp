/// What two agents remember of each other, and pings over all paths for whoever asks.

#include <algorithm>

#include "tests/unit/rendezvous/agent_world.h"

namespace kadwire::rendezvous::testing {
namespace {

constexpr std::string_view kOne = "198.51.100.1:51820 [2001:db8:1::1]:51820";
constexpr std::string_view kOther = "203.0.113.2:51820 [2001:db8:2::2]:51820";
constexpr std::string_view kThird = "192.0.2.3:51820";

class AgentHistory : public ::testing::Test {
 protected:
  AgentHistory() : a_(world_.add(kOne)), b_(world_.add(kOther)) {}

  bool connect() {
    a_.meet(b_);
    b_.meet(a_);
    return world_.run_until([&] { return a_.reaches(b_) && b_.reaches(a_); }, 2s);
  }
  Member& controlling() { return a_.id() < b_.id() ? a_ : b_; }
  Member& following() { return a_.id() < b_.id() ? b_ : a_; }
  static const PairHistory& history(const Member& of, const Member& about) {
    return of.agent->session(about.id())->history();
  }
  static PathCause cause(const Member& of, const Member& about, PairEventKind kind) {
    const PairEvent* event = history(of, about).last(kind);
    return event == nullptr ? PathCause::kNone : event->cause;
  }
  /// Drops whatever travels between the two, or of one family.
  void cut_pair() {
    world_.fate = [this](Packet& packet) {
      const Member* from = world_.owner_of(packet.from);
      const Member* to = world_.owner_of(packet.to);
      return Fate{(from == &a_ && to == &b_) || (from == &b_ && to == &a_)};
    };
  }
  void cut(AddressFamily family) {
    world_.fate = [=](Packet& packet) { return Fate{packet.to.address.family() == family}; };
  }
  void report_silence(Member& at, const Member& about) {
    for (int i = 0; i < 2; ++i) at.agent->handle_traffic(world_.now(), about.id(), true, false);
  }
  /// The probes of all paths, once they had time to be answered.
  std::vector<Probe> probe(Member& from, const Member& to, Duration wait = kRoundTrip) {
    EXPECT_TRUE(from.agent->probe(world_.now(), to.id()));
    world_.settle();
    world_.run_for(wait);
    return from.agent->session(to.id())->probes();
  }

  AgentWorld world_;
  Member& a_;
  Member& b_;
};

TEST_F(AgentHistory, OfAConnectionHasItsCallsAndWhyThePathWasChosen) {
  ASSERT_TRUE(connect());
  EXPECT_NE(history(a_, b_).last(PairEventKind::kCalled), nullptr);
  EXPECT_NE(history(a_, b_).last(PairEventKind::kPathProven), nullptr);
  EXPECT_EQ(cause(following(), controlling(), PairEventKind::kPathChosen), PathCause::kPeerChose);
  const auto& events = history(controlling(), following()).events();
  const auto first = std::ranges::find(events, PairEventKind::kPathChosen, &PairEvent::kind);
  ASSERT_NE(first, events.end());
  EXPECT_EQ(first->cause, PathCause::kFirst);
}

TEST_F(AgentHistory, SaysThatAPathWasLostToSilenceAndWhereTheNextOneLeads) {
  ASSERT_TRUE(connect());
  world_.run_for(2s);
  cut(AddressFamily::kIpv6);
  report_silence(controlling(), following());
  world_.run_for(3s);
  ASSERT_TRUE(a_.reaches(b_) && b_.reaches(a_));
  const PairEvent* lost = history(controlling(), following()).last(PairEventKind::kPathLost);
  ASSERT_NE(lost, nullptr);
  EXPECT_EQ(lost->cause, PathCause::kSilent);
  EXPECT_TRUE(lost->address.is_v6());
  const PairEvent* chosen = history(controlling(), following()).last(PairEventKind::kPathChosen);
  EXPECT_EQ(chosen->cause, PathCause::kFirst);
  EXPECT_TRUE(chosen->address.is_v4());
  // The other had nothing to send, so it noticed nothing by itself.
  EXPECT_EQ(cause(following(), controlling(), PairEventKind::kPathLost), PathCause::kPeerLostIt);
}

TEST_F(AgentHistory, TellsTheOwnMoveFromThePeers) {
  ASSERT_TRUE(connect());
  a_.endpoints[0] = endpoint("198.51.100.77:51820");
  a_.tell_network();
  a_.publish();
  world_.settle();
  world_.run_for(2s);
  ASSERT_TRUE(a_.reaches(b_) && b_.reaches(a_));
  EXPECT_EQ(cause(a_, b_, PairEventKind::kPathLost), PathCause::kOwnMove);
  EXPECT_EQ(cause(b_, a_, PairEventKind::kPathLost), PathCause::kPeerMove);
  const PathTally &own = a_.agent->stats().paths, &others = b_.agent->stats().paths;
  EXPECT_EQ(own.of(PathCause::kOwnMove), 1U);
  EXPECT_EQ(others.of(PathCause::kPeerMove), 1U);
  EXPECT_EQ(own.chosen(), a_.changes.size());
  EXPECT_EQ(others.chosen(), b_.changes.size());
  EXPECT_EQ(own.of(PathCause::kNone) + others.of(PathCause::kNone), 0U);
}

TEST_F(AgentHistory, CountsCallsThatNobodyAnswers) {
  cut_pair();
  a_.meet(b_);
  world_.run_for(30s);
  const PairEvent* called = history(a_, b_).last(PairEventKind::kCalled);
  ASSERT_NE(called, nullptr);
  EXPECT_GE(called->count, 5);
  EXPECT_EQ(history(a_, b_).events().size(), 1U);
}

TEST_F(AgentHistory, SaysThatNobodyOffersToRelay) {
  Member& m = world_.add(kThird);
  for (Member* member : {&a_, &b_}) {
    member->meet(m);
    m.meet(*member);
  }
  world_.run_for(1s);
  cut_pair();
  a_.meet(b_);
  b_.meet(a_);
  world_.run_for(3s);
  const PairHistory& events = history(controlling(), following());
  const PairEvent* called = events.last(PairEventKind::kCalledBy);
  ASSERT_NE(called, nullptr);
  EXPECT_TRUE(called->is_through(m.id()));
  EXPECT_NE(events.last(PairEventKind::kNoRelay), nullptr);
}

TEST_F(AgentHistory, NamesTheRelayThatWasAskedAndThatItAgreed) {
  Member& m = world_.add(kThird);
  m.offers_relay = true;
  m.publish();
  for (Member* member : {&a_, &b_}) {
    member->meet(m);
    m.meet(*member);
  }
  world_.run_for(1s);
  cut_pair();
  ASSERT_TRUE(connect());
  const PairHistory& events = history(controlling(), following());
  ASSERT_NE(events.last(PairEventKind::kRelayGranted), nullptr);
  EXPECT_TRUE(events.last(PairEventKind::kRelayAsked)->is_through(m.id()));
  EXPECT_TRUE(events.last(PairEventKind::kPathChosen)->is_through(m.id()));

  world_.fate = [](Packet&) { return Fate{}; };
  world_.run_for(60s);
  EXPECT_EQ(cause(controlling(), following(), PairEventKind::kPathChosen), PathCause::kDirect);
}

TEST_F(AgentHistory, HasACauseForEveryChangeOfPath) {
  ASSERT_TRUE(connect());
  for (const AddressFamily family : {AddressFamily::kIpv6, AddressFamily::kIpv4}) {
    cut(family);
    report_silence(a_, b_);
    report_silence(b_, a_);
    world_.run_for(5s);
  }
  for (const PairHistory* events : {&history(a_, b_), &history(b_, a_)}) {
    for (const PairEvent& event : events->events()) {
      const bool changed =
          event.kind == PairEventKind::kPathChosen || event.kind == PairEventKind::kPathLost;
      EXPECT_EQ(changed, event.cause != PathCause::kNone);
    }
  }
}

TEST_F(AgentHistory, AProbeMeasuresEveryPath) {
  ASSERT_TRUE(connect());
  world_.run_for(2s);
  const auto probes = probe(a_, b_);
  EXPECT_EQ(probes.size(), 2U);
  for (const Probe& each : probes) EXPECT_EQ(each.rtt, kRoundTrip);
}

TEST_F(AgentHistory, AProbeThatIsNotAnsweredEndsNoPath) {
  ASSERT_TRUE(connect());
  world_.run_for(2s);
  cut_pair();
  for (const Probe& each : probe(a_, b_, 5s)) EXPECT_EQ(each.rtt, std::nullopt);
  EXPECT_TRUE(a_.reaches(b_));
  EXPECT_EQ(history(a_, b_).last(PairEventKind::kPathLost), nullptr);
}

TEST_F(AgentHistory, NoProbeIsSentWithoutASession) {
  cut_pair();
  a_.meet(b_);
  EXPECT_FALSE(a_.agent->probe(world_.now(), b_.id()));
  EXPECT_FALSE(a_.agent->probe(world_.now(), a_.id()));
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
