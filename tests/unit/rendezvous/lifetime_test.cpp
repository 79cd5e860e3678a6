#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "rendezvous/lifetime_probe.h"
#include "rendezvous/lifetime_watch.h"
#include "rendezvous/stun_responder.h"
#include "tests/support/step_bound.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

constexpr TimePoint kStart{1h};
constexpr Duration kOneWay = 40ms;
const Endpoint kServer = *Endpoint::parse("198.51.100.1:3478");
const Endpoint kOtherServer = *Endpoint::parse("192.0.2.7:3478");
const Endpoint kAskingOutside = *Endpoint::parse("203.0.113.5:51820");
const IpAddress kOutside = kAskingOutside.address;

/// A STUN server as strangers have it, and a NAT between it and two ports of this host. The asking
/// port has a mapping always, the silent port's is forgotten when it was idle for `expiry_`.
class LifetimeTest : public ::testing::Test {
 protected:
  bool lost() { return random_below(loss_random_, 100) < loss_percent_; }

  void send(LifetimePort port, const Transmit& request) {
    steps_.take(now_);
    ++packets_;
    const TimePoint at_nat = now_;
    Endpoint source = kAskingOutside;
    if (port == LifetimePort::kSilent) {
      const bool known = mapped_port_ != 0 && at_nat - used_ <= expiry_;
      if (!known) mapped_port_ = next_port_++;
      used_ = at_nat;
      source = {silent_outside_, mapped_port_};
    }
    if (lost() || dead_.contains(request.to)) return;
    if (!obeys_ && parse_stun(request.payload)->response_port()) return;
    const StunHome home{request.to, 0};
    auto reply = responder_.handle_datagram(now_, source, home, request.payload);
    if (!reply || lost()) return;
    arrivals_.emplace(now_ + 2 * kOneWay, std::move(*reply));
  }
  /// Which port of the host gets it, if any.
  std::optional<LifetimePort> translate(const Endpoint& to) {
    if (to == kAskingOutside) return LifetimePort::kAsking;
    const bool known = to == Endpoint{silent_outside_, mapped_port_} && now_ - used_ <= expiry_;
    if (!known) return std::nullopt;
    if (refreshed_by_both_) used_ = now_;
    return LifetimePort::kSilent;
  }
  template <typename Asker>
  void run(Asker& asker, TimePoint end) {
    while (true) {
      for (const LifetimePort port : {LifetimePort::kSilent, LifetimePort::kAsking}) {
        while (const auto request = asker.poll_transmit(port)) send(port, *request);
      }
      TimePoint next = asker.next_timeout().value_or(TimePoint::max());
      if (!arrivals_.empty()) next = std::min(next, arrivals_.begin()->first);
      if (next > end) break;
      now_ = std::max(now_, next);
      steps_.take(now_);
      if (!arrivals_.empty() && arrivals_.begin()->first <= now_) {
        const StunReply reply = arrivals_.extract(arrivals_.begin()).mapped();
        const auto port = translate(reply.transmit.to);
        if (port) asker.handle_datagram(now_, *port, reply.source, reply.transmit.payload);
      }
      asker.handle_timeout(now_);
    }
    now_ = std::max(now_, end);
  }
  LifetimeVerdict look(Duration silence) {
    LifetimeProbe probe(kServer, silence, random_, now_);
    run(probe, now_ + silence + 20s);
    EXPECT_TRUE(probe.finished());
    return probe.verdict();
  }
  BindingLifetime survey(std::vector<Endpoint> servers = {kServer}) {
    watch_.restart(now_, servers);
    run(watch_, now_ + 20min);
    return watch_.lifetime();
  }

  TimePoint now_ = kStart;
  kadwire::testing::StepBound steps_;
  testnet::SeededRandom random_{1}, loss_random_{2};
  Duration expiry_ = 60s;
  bool refreshed_by_both_ = true;
  bool obeys_ = true;  ///< answers requests with RESPONSE-PORT
  std::uint32_t loss_percent_ = 0;
  IpAddress silent_outside_ = kOutside;
  std::uint16_t mapped_port_ = 0, next_port_ = 40'000;
  TimePoint used_;
  int packets_ = 0;
  std::set<Endpoint> dead_;
  std::multimap<TimePoint, StunReply> arrivals_;
  StunResponder responder_;
  LifetimeWatch watch_{random_};
};

using LifetimeProbeTest = LifetimeTest;
using LifetimeWatchTest = LifetimeTest;

TEST_F(LifetimeProbeTest, HearsThroughAMappingThatLived) {
  EXPECT_EQ(look(45s), LifetimeVerdict::kAlive);
}

TEST_F(LifetimeProbeTest, HearsNothingThroughOneThatIsGone) {
  EXPECT_EQ(look(60s), LifetimeVerdict::kGone);
}

TEST_F(LifetimeProbeTest, CountsTheTimeFromTheLastPacketThatMayHaveKeptIt) {
  refreshed_by_both_ = false;
  EXPECT_EQ(look(59s), LifetimeVerdict::kAlive);
  EXPECT_EQ(look(60s), LifetimeVerdict::kGone);
}

TEST_F(LifetimeProbeTest, KnowsAtOnceThatAServerDoesNotAnswerToOtherPorts) {
  obeys_ = false;
  const TimePoint began = now_;
  LifetimeProbe probe(kServer, 180s, random_, now_);
  run(probe, now_ + 5s);
  EXPECT_TRUE(probe.finished());
  EXPECT_EQ(probe.verdict(), LifetimeVerdict::kUnsupported);
  EXPECT_GT(now_, began);
}

TEST_F(LifetimeProbeTest, TakesTwoAddressesOutsideForNoShortLifetime) {
  silent_outside_ = *IpAddress::parse("203.0.113.6");
  EXPECT_EQ(look(15s), LifetimeVerdict::kUnsupported);
}

TEST_F(LifetimeProbeTest, TakesAServerThatGoesAwayForNoShortLifetime) {
  LifetimeProbe probe(kServer, 45s, random_, now_);
  run(probe, now_ + 30s);
  dead_.insert(kServer);
  run(probe, now_ + 30s);
  EXPECT_TRUE(probe.finished());
  EXPECT_EQ(probe.verdict(), LifetimeVerdict::kUnknown);
}

TEST_F(LifetimeProbeTest, SaysThatNobodyAnswered) {
  dead_.insert(kServer);
  EXPECT_EQ(look(15s), LifetimeVerdict::kUnanswered);
}

TEST_F(LifetimeProbeTest, HearsForeignersNot) {
  LifetimeProbe probe(kServer, 45s, random_, now_);
  const Bytes forged =
      StunWriter(StunClass::kSuccess, kStunBinding, {}).xor_mapped_address(kAskingOutside).take();
  EXPECT_FALSE(probe.handle_datagram(now_, LifetimePort::kSilent, kServer, forged));
  EXPECT_FALSE(probe.handle_datagram(now_, LifetimePort::kSilent, kOtherServer, forged));
  EXPECT_FALSE(probe.handle_datagram(now_, LifetimePort::kSilent, kServer, Bytes(20)));
}

TEST_F(LifetimeWatchTest, FindsTheRungsBetweenWhichANatForgets) {
  struct Row {
    Duration expiry;
    BindingLifetime found;
  };
  const std::optional<std::chrono::seconds> none;
  for (const Row& row : {Row{10s, {none, 14s}}, Row{20s, {19s, 29s}}, Row{25s, {19s, 29s}},
                         Row{30s, {29s, 44s}}, Row{60s, {59s, 89s}}, Row{100s, {89s, 119s}},
                         Row{120s, {119s, 179s}}, Row{300s, {179s, none}}}) {
    expiry_ = row.expiry;
    const BindingLifetime found = survey();
    EXPECT_EQ(found, row.found) << std::chrono::duration<double>(row.expiry).count() << " s";
  }
}

TEST_F(LifetimeWatchTest, CostsAFewDozenPackets) {
  expiry_ = 300s;
  survey();
  EXPECT_LE(packets_, 18);
  packets_ = 0;
  expiry_ = 20s;
  survey();
  EXPECT_LE(packets_, 38);
}

TEST_F(LifetimeWatchTest, MistakesLossForNoShorterLifetime) {
  loss_percent_ = 20;
  expiry_ = 100s;
  for (int i = 0; i < 50; ++i) {
    const BindingLifetime found = survey();
    EXPECT_TRUE(!found.at_most || *found.at_most > 89s) << found.at_most->count();
    EXPECT_LE(found.at_least.value_or(0s), 89s);
  }
}

TEST_F(LifetimeWatchTest, AsksTheNextServerWhereOneCannotTell) {
  dead_.insert(kServer);
  EXPECT_EQ(survey({kServer, kOtherServer}), (BindingLifetime{59s, 89s}));
}

TEST_F(LifetimeWatchTest, KnowsNothingWhereNoServerCanTellAndAsksSeldomer) {
  obeys_ = false;
  EXPECT_EQ(survey({kServer, kOtherServer}), BindingLifetime{});
  packets_ = 0;
  run(watch_, now_ + 24h);
  EXPECT_GT(packets_, 0);
  EXPECT_LT(packets_, 200);
}

TEST_F(LifetimeWatchTest, IsSilentWithoutServersAndWhileTheNetworkIsNew) {
  watch_.restart(now_, {});
  EXPECT_FALSE(watch_.next_timeout());
  watch_.restart(now_, std::vector{kServer});
  run(watch_, now_ + kLifetimeSettle - 1ms);
  EXPECT_EQ(packets_, 0);
}

TEST_F(LifetimeWatchTest, LooksAgainEachDayAndKeepsWhatItKnewMeanwhile) {
  survey();
  expiry_ = 300s;
  run(watch_, now_ + kLifetimeRecheck - 15min);
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{59s, 89s}));
  run(watch_, now_ + 30min);
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{179s, std::nullopt}));
}

TEST_F(LifetimeWatchTest, BelievesAShorterLifetimeBeforeItKnowsExactly) {
  expiry_ = 300s;
  survey();
  expiry_ = 20s;
  const TimePoint recheck = *watch_.next_timeout();
  run(watch_, recheck + 90s);
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{std::nullopt, 29s}));
}

TEST_F(LifetimeWatchTest, AnotherNetworkIsAnotherNat) {
  survey();
  watch_.restart(now_, std::vector{kServer});
  EXPECT_EQ(watch_.lifetime(), BindingLifetime{});
  watch_.set_servers(now_, std::vector{kServer});
}

TEST_F(LifetimeWatchTest, OtherServersOfTheSameNetworkChangeNothingThatIsKnown) {
  survey();
  watch_.set_servers(now_, std::vector{kOtherServer});
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{59s, 89s}));
}

TEST_F(LifetimeWatchTest, IsNotDisturbedByNamesThatAreResolvedAgainAllTheWhile) {
  const std::vector<Endpoint> answers[] = {
      {kServer, kOtherServer}, {kOtherServer, kServer}, {kOtherServer}};
  const auto resolve_for = [&](Duration duration) {
    for (int i = 0; i < duration / 15s; ++i) {
      watch_.set_servers(now_, answers[i % 3]);
      run(watch_, now_ + 15s);
    }
  };
  resolve_for(20min);
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{59s, 89s}));
  packets_ = 0;
  resolve_for(1h);
  EXPECT_EQ(packets_, 0) << "what is known needs no other look that day";
}

TEST_F(LifetimeWatchTest, AsksAServerThatIsNewSoonWhereNoneCouldTell) {
  obeys_ = false;
  survey();
  EXPECT_GT(*watch_.next_timeout(), now_ + kLifetimeSettle);
  watch_.set_servers(now_, std::vector{kServer});
  EXPECT_GT(*watch_.next_timeout(), now_ + kLifetimeSettle);
  watch_.set_servers(now_, std::vector{kServer, kOtherServer});
  EXPECT_EQ(watch_.next_timeout(), now_ + kLifetimeSettle);
}

TEST_F(LifetimeWatchTest, RestsWhileThereIsNoServer) {
  watch_.restart(now_, std::vector{kServer});
  run(watch_, now_ + 2min);
  watch_.set_servers(now_, {});
  EXPECT_FALSE(watch_.next_timeout());
  watch_.set_servers(now_, std::vector{kServer});
  run(watch_, now_ + 20min);
  EXPECT_EQ(watch_.lifetime(), (BindingLifetime{59s, 89s}));
}

}  // namespace
}  // namespace kadwire::rendezvous
