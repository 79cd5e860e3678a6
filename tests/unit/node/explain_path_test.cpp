#include "node/explain_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "node/path_words.h"

namespace kadwire::node {
namespace {

using rendezvous::MappingBehavior;
using rendezvous::NatBehavior;
using rendezvous::PairEventKind;
using rendezvous::PathCause;

constexpr WallTime kNow{std::chrono::hours(500'000)};
const Endpoint kThere = *Endpoint::parse("203.0.113.2:51820");

NatBehavior nat(MappingBehavior mapping, bool random = false) {
  NatBehavior behavior;
  behavior.mapping = mapping;
  behavior.mapping_certain = true;
  behavior.random_ports = random;
  return behavior;
}
const NatBehavior kHomeNat = nat(MappingBehavior::kEndpointIndependent);
const NatBehavior kStrictNat = nat(MappingBehavior::kAddressAndPortDependent, true);

/// Two at home, both with IPv4, that know each other's records.
PeerStory story(PathKind path, const NatBehavior& here, const std::optional<NatBehavior>& there) {
  PeerStory story;
  story.peer.hostname = "beta";
  story.peer.path = path;
  story.now = kNow;
  story.issued = kNow - 10min;
  story.session = path == PathKind::kRelayed;
  story.claims = 2;
  story.targets = 2;
  story.common_ipv4 = true;
  story.nat_here = here;
  story.nat_there = there;
  return story;
}

StoryEvent event(PairEventKind kind, PathCause cause = PathCause::kNone,
                 std::chrono::seconds ago = 5s) {
  return {.at = kNow - ago, .kind = kind, .cause = cause, .endpoint = kThere};
}

bool mentions(const std::vector<std::string>& texts, std::string_view part) {
  return std::ranges::any_of(
      texts, [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

TEST(ExplainPath, NamesWhoseNatMakesARelayNecessary) {
  struct Case {
    NatBehavior here;
    std::optional<NatBehavior> there;
    Reason reason;
  };
  for (const Case& each : {Case{kStrictNat, kStrictNat, Reason::kBothNatsStrict},
                           Case{kStrictNat, kHomeNat, Reason::kOwnNatStrict},
                           Case{kHomeNat, kStrictNat, Reason::kPeerNatStrict},
                           Case{kHomeNat, kHomeNat, Reason::kBlockedBetween},
                           Case{kHomeNat, std::nullopt, Reason::kNatUnknown},
                           Case{NatBehavior{}, kHomeNat, Reason::kNatUnknown}}) {
    const Explanation why = explain(story(PathKind::kRelayed, each.here, each.there));
    EXPECT_EQ(to_text(why.reason), to_text(each.reason));
    EXPECT_FALSE(why.remedies.empty());
    EXPECT_TRUE(mentions(why.evidence, "here: "));
  }
}

TEST(ExplainPath, OfARelayedPairSaysInPlainWordsWhyAndWhatToDo) {
  PeerStory relayed = story(PathKind::kRelayed, kStrictNat, kHomeNat);
  relayed.relay = "gamma";
  relayed.chosen = kThere;
  relayed.chosen_relayed = true;
  relayed.rtt = 81'500us;
  relayed.peer.endpoint = kThere;
  const Explanation why = explain(relayed);
  EXPECT_EQ(
      why.state,
      "beta is reached through the relay gamma, at 203.0.113.2:51820, round trip 81.5 ms; the "
      "relay cannot read it");
  EXPECT_NE(why.cause.find("your NAT gives a new random port to every destination"),
            std::string::npos);
  EXPECT_TRUE(mentions(why.remedies, "forward UDP 51820"));
  EXPECT_TRUE(mentions(why.remedies, "IPv6"));
}

TEST(ExplainPath, WhileATunnelMovesSaysWhereItIsAndWhereItGoes) {
  const Endpoint relays = *Endpoint::parse("198.51.100.9:41000");
  PeerStory moving = story(PathKind::kRelayed, kHomeNat, kHomeNat);
  moving.relay = "gamma";
  moving.peer.endpoint = relays;
  moving.chosen = kThere;
  const Explanation off_a_relay = explain(moving);
  EXPECT_EQ(off_a_relay.state,
            "beta is reached through the relay gamma, at 198.51.100.9:41000; the relay cannot read "
            "it");
  EXPECT_EQ(off_a_relay.cause,
            "a direct path is proven, at 203.0.113.2:51820, and the tunnel is moving there");
  EXPECT_TRUE(off_a_relay.remedies.empty());

  moving.peer.path = PathKind::kDirect;
  moving.peer.endpoint = kThere;
  moving.chosen = relays;
  moving.chosen_relayed = true;
  EXPECT_EQ(explain(moving).cause,
            "a relay's path is chosen now, at 198.51.100.9:41000, and the tunnel is moving there");
}

TEST(ExplainPath, DoesNotAdviseForwardingBehindACarriersNat) {
  NatBehavior carrier = kStrictNat;
  carrier.carrier_grade = true;
  const Explanation why = explain(story(PathKind::kRelayed, carrier, kHomeNat));
  EXPECT_FALSE(mentions(why.remedies, "forward UDP 51820"));
  EXPECT_TRUE(mentions(why.remedies, "public IPv4"));
}

TEST(ExplainPath, OfADirectPairTellsWhyThisPathAndWhatItReplaced) {
  PeerStory direct = story(PathKind::kDirect, kHomeNat, kHomeNat);
  direct.chosen = direct.peer.endpoint = kThere;
  direct.rtt = 40ms;
  direct.peer.last_handshake = kNow - 30s;
  direct.events = {event(PairEventKind::kPathLost, PathCause::kSilent, 20s),
                   event(PairEventKind::kPathChosen, PathCause::kFirst, 19s)};
  const Explanation why = explain(direct);
  EXPECT_EQ(why.reason, Reason::kChosen);
  EXPECT_EQ(why.cause, "this path was chosen 19 s ago because it was the first that answered");
  EXPECT_TRUE(mentions(why.evidence, "20 s ago the path 203.0.113.2:51820 was lost: packets left"));
  EXPECT_TRUE(mentions(why.evidence, "last handshake was 30 s ago"));
  EXPECT_TRUE(why.remedies.empty());
}

TEST(ExplainPath, DoesNotBringUpALossOfLongAgo) {
  PeerStory direct = story(PathKind::kDirect, kHomeNat, kHomeNat);
  direct.events = {event(PairEventKind::kPathLost, PathCause::kSilent, 3600s),
                   event(PairEventKind::kPathChosen, PathCause::kFirst, 3599s)};
  EXPECT_FALSE(mentions(explain(direct).evidence, "was lost"));
}

TEST(ExplainPath, TellsApartWhyNobodyIsReached) {
  const PeerStory calling = story(PathKind::kConnecting, kHomeNat, kHomeNat);
  EXPECT_EQ(explain(calling).reason, Reason::kUnanswered);

  PeerStory gone = calling;
  gone.issued = kNow - 5h;
  EXPECT_EQ(explain(gone).reason, Reason::kPeerGone);

  PeerStory silent_here = calling;
  silent_here.punches_here = false;
  EXPECT_EQ(explain(silent_here).reason, Reason::kNotPunching);
  PeerStory silent_there = calling;
  silent_there.punches_there = false;
  EXPECT_EQ(explain(silent_there).reason, Reason::kPeerNotPunching);

  PeerStory foreign = calling;
  foreign.targets = 0;
  EXPECT_EQ(explain(foreign).reason, Reason::kNoCommonFamily);
  PeerStory nameless = foreign;
  nameless.claims = 0;
  nameless.peer.path = PathKind::kNone;
  EXPECT_EQ(explain(nameless).reason, Reason::kNoAddress);

  PeerStory strict = calling;
  strict.nat_here = kStrictNat;
  const Explanation why = explain(strict);
  EXPECT_EQ(why.reason, Reason::kOwnNatStrict);
  EXPECT_NE(why.cause.find("no member that could pass calls on"), std::string::npos);
  EXPECT_TRUE(mentions(why.remedies, "one member with a public address"));

  PeerStory proven = calling;
  proven.session = true;
  proven.chosen = kThere;
  EXPECT_EQ(explain(proven).reason, Reason::kHandshake);
}

TEST(ExplainPath, BlamesNoNatForOneThatWasHeardAndAnswersNoMore) {
  PeerStory lost = story(PathKind::kConnecting, kHomeNat, kStrictNat);
  lost.session = true;
  lost.heard = kNow - 3min;
  lost.events = {event(PairEventKind::kPathLost, PathCause::kSilent, 178s),
                 event(PairEventKind::kCalled), event(PairEventKind::kCalledBy)};
  const Explanation why = explain(lost);
  EXPECT_EQ(why.reason, Reason::kUnanswered);
  EXPECT_NE(why.cause.find("nothing was heard of it for 3 min"), std::string::npos);
  EXPECT_TRUE(mentions(why.evidence, "last heard 3 min ago"));

  PeerStory alone = lost;  // nobody passes calls on: its NAT may well be in the way
  alone.events.pop_back();
  EXPECT_EQ(explain(alone).reason, Reason::kPeerNatStrict);

  PeerStory answering = lost;
  answering.heard = kNow - 1s;
  EXPECT_EQ(explain(answering).reason, Reason::kPeerNatStrict);
  PeerStory calling = lost;  // only the way from here to there is gone
  calling.events.push_back(event(PairEventKind::kHeardCall, PathCause::kNone, 2s));
  EXPECT_EQ(explain(calling).reason, Reason::kPeerNatStrict);

  PeerStory just_asked = lost;  // the answer may be under way
  just_asked.heard = kNow - 20s;
  for (StoryEvent& each : just_asked.events) each.at = kNow - 1s;
  EXPECT_EQ(explain(just_asked).reason, Reason::kPeerNatStrict);
}

TEST(ExplainPath, OfAddressesThatOnlyCountInsideANetworkSaysThatNobodyTellsTheOuterOnes) {
  PeerStory inside = story(PathKind::kRelayed, NatBehavior{}, NatBehavior{});
  inside.targets = 0;
  EXPECT_EQ(explain(inside).reason, Reason::kNatUnknown);
}

TEST(ExplainPath, SaysThatNobodyRelaysOrThatTheOneWhoWasAskedRefused) {
  PeerStory stuck = story(PathKind::kConnecting, kStrictNat, kStrictNat);
  stuck.session = true;
  stuck.events = {event(PairEventKind::kNoRelay)};
  EXPECT_EQ(explain(stuck).reason, Reason::kNoRelay);
  stuck.events.push_back(event(PairEventKind::kRelayRefused));
  stuck.events.back().member = "gamma";
  const Explanation why = explain(stuck);
  EXPECT_EQ(why.reason, Reason::kRelayRefused);
  EXPECT_TRUE(mentions(why.evidence, "gamma refused to relay"));
}

TEST(ExplainPath, NamesTheNodesOwnProblemsAsEvidence) {
  PeerStory calling = story(PathKind::kConnecting, kHomeNat, kHomeNat);
  calling.problems = {"a member's clock is 70 min ahead of this one"};
  EXPECT_TRUE(mentions(explain(calling).evidence, "clock is 70 min ahead"));
}

TEST(PathWords, CountWhatHappenedSeveralTimes) {
  StoryEvent called = event(PairEventKind::kCalled);
  called.count = 14;
  EXPECT_EQ(describe(called), "this node called its addresses (14 times)");
  StoryEvent proven = event(PairEventKind::kPathProven);
  proven.member = "gamma";
  EXPECT_EQ(describe(proven), "the path 203.0.113.2:51820 through the relay gamma answered");
}

TEST(ExplainPath, SaysThatAnOperatorWantsRelaysAloneAndOnWhichSide) {
  PeerStory here = story(PathKind::kRelayed, kHomeNat, kHomeNat);
  here.relayed_only_here = true;
  EXPECT_EQ(explain(here).reason, Reason::kOperatorHere);
  EXPECT_NE(explain(here).cause.find("this node's operator"), std::string::npos);
  EXPECT_FALSE(mentions(explain(here).remedies, "go on by themselves"));
  PeerStory there = story(PathKind::kRelayed, kStrictNat, kStrictNat);
  there.relayed_only_there = true;
  EXPECT_EQ(explain(there).reason, Reason::kOperatorThere);
  EXPECT_TRUE(mentions(explain(there).remedies, "without --force-relay there"));
  PeerStory moving = story(PathKind::kDirect, kHomeNat, kHomeNat);
  moving.relayed_only_there = true;
  EXPECT_TRUE(mentions(explain(moving).evidence, "until a relay works"));
}

TEST(ExplainPath, WithoutARelayForAnOperatorsWishAdvisesOne) {
  PeerStory stuck = story(PathKind::kConnecting, kHomeNat, kHomeNat);
  stuck.relayed_only_here = true;
  stuck.session = true;
  stuck.events = {event(PairEventKind::kNoRelay)};
  EXPECT_EQ(explain(stuck).reason, Reason::kNoRelay);
  EXPECT_TRUE(mentions(explain(stuck).remedies, "one member with a public address"));
}

TEST(PathWords, NameEveryKindAndCauseForProgramsByANameOfItsOwn) {
  std::set<std::string_view> kinds, causes;
  for (int kind = 0; kind <= static_cast<int>(PairEventKind::kNoRelay); ++kind) {
    EXPECT_TRUE(kinds.insert(to_text(static_cast<PairEventKind>(kind))).second) << kind;
  }
  for (int cause = 0; cause <= static_cast<int>(PathCause::kPeerMove); ++cause) {
    EXPECT_TRUE(causes.insert(to_text(static_cast<PathCause>(cause))).second) << cause;
  }
  EXPECT_FALSE(kinds.contains(""));
  EXPECT_EQ(causes.count(""), 1U) << "no cause";
}

TEST(PathWords, SayWhatIsUncertainOfANat) {
  NatBehavior behavior = kStrictNat;
  EXPECT_EQ(describe_nat(behavior), "a NAT that gives a new random port to every destination");
  behavior.mapping_certain = false;
  EXPECT_EQ(describe_nat(behavior),
            "a NAT that gives a new random port to every destination (not certain)");
  EXPECT_EQ(describe_nat(NatBehavior{}), "a NAT of unknown kind, or none");
}

}  // namespace
}  // namespace kadwire::node
