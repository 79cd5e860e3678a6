#include "rendezvous/filtering_probe.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "rendezvous/filtering_watch.h"
#include "rendezvous/stun_responder.h"
#include "tests/support/made_up.h"
#include "tests/support/step_bound.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::endpoint;

constexpr TimePoint kStart{1h};
constexpr Duration kRoundTrip = 80ms;

enum class Filter { kOpen, kAddress, kAddressAndPort };

/// Servers that answer from elsewhere too, behind a filter, with a round trip in between.
class FilteringTest : public ::testing::Test {
 protected:
  FilteringTest() {
    // What clients asked before: the server knows its addresses.
    StunWriter request(StunClass::kRequest, kStunBinding, {});
    const Bytes datagram = request.take();
    for (const Endpoint& home : homes_) {
      (void)responder_.handle_datagram(now_, endpoint("203.0.113.9:9"), {home, kSecond}, datagram);
    }
  }

  void send(const Transmit& request) {
    steps_.take(now_);
    ++requests_;
    sent_to_.push_back(request.to);
    if (lost()) return;
    const StunHome home{request.to, second_ports_ ? kSecond : std::uint16_t{0}};
    const auto reply = responder_.handle_datagram(now_, own_, home, request.payload);
    if (!reply || lost() || !lets_in(reply->source)) return;
    arrivals_.emplace(now_ + kRoundTrip, std::pair(reply->source, reply->transmit.payload));
  }
  bool lets_in(const Endpoint& from) const {
    return std::ranges::any_of(sent_to_, [&](const Endpoint& to) {
      return filter_ == Filter::kOpen ||
             (to.address == from.address && (filter_ == Filter::kAddress || to.port == from.port));
    });
  }
  bool lost() { return random_below(loss_random_, 100) < loss_percent_; }

  template <typename Asker>
  void run(Asker& asker, TimePoint end) {
    while (true) {
      while (const auto request = asker.poll_transmit()) send(*request);
      const auto due = asker.next_timeout();
      TimePoint next = due.value_or(TimePoint::max());
      if (!arrivals_.empty()) next = std::min(next, arrivals_.begin()->first);
      if (next > end) break;
      now_ = std::max(now_, next);
      steps_.take(now_);
      if (!arrivals_.empty() && arrivals_.begin()->first <= now_) {
        const auto [from, payload] = arrivals_.extract(arrivals_.begin()).mapped();
        asker.handle_datagram(now_, from, payload);
      }
      asker.handle_timeout(now_);
    }
    now_ = std::max(now_, end);
  }
  FilteringBehavior look(std::vector<IpAddress> sent_to = {}) {
    probe_.emplace(homes_[0], sent_to, random_, now_);
    run(*probe_, now_ + 10s);
    EXPECT_TRUE(probe_->finished());
    return probe_->result();
  }

  static constexpr std::uint16_t kSecond = 3479;
  TimePoint now_ = kStart;
  kadwire::testing::StepBound steps_;
  testnet::SeededRandom random_{1}, loss_random_{2};
  std::vector<Endpoint> homes_ = {endpoint("198.51.100.1:3478"), endpoint("192.0.2.7:3478")};
  Endpoint own_ = endpoint("203.0.113.5:40000");
  bool second_ports_ = true;
  Filter filter_ = Filter::kAddressAndPort;
  std::uint32_t loss_percent_ = 0;
  int requests_ = 0;
  std::vector<Endpoint> sent_to_;
  std::multimap<TimePoint, std::pair<Endpoint, Bytes>> arrivals_;
  StunResponder responder_;
  std::optional<FilteringProbe> probe_;
};

TEST_F(FilteringTest, TellsTheThreeBehavioursOfRfc4787Apart) {
  filter_ = Filter::kOpen;
  EXPECT_EQ(look(), FilteringBehavior::kEndpointIndependent);
  filter_ = Filter::kAddress;
  EXPECT_EQ(look(), FilteringBehavior::kAddressDependent);
  filter_ = Filter::kAddressAndPort;
  EXPECT_EQ(look(), FilteringBehavior::kAddressAndPortDependent);
}

TEST_F(FilteringTest, IsDoneAfterTwoRoundTripsWhereEverythingGetsIn) {
  filter_ = Filter::kOpen;
  probe_.emplace(homes_[0], std::span<const IpAddress>(), random_, now_);
  run(*probe_, now_ + 2 * kRoundTrip);
  EXPECT_TRUE(probe_->finished());
  EXPECT_EQ(requests_, 4);
}

TEST_F(FilteringTest, SaysLessWhereTheOtherAddressIsSentToAnyhow) {
  filter_ = Filter::kAddress;
  sent_to_.push_back(homes_[1]);
  EXPECT_EQ(look({homes_[1].address}), FilteringBehavior::kPortIndependent);
}

TEST_F(FilteringTest, KnowsNothingByAServerWithOnePort) {
  second_ports_ = false;
  EXPECT_EQ(look(), FilteringBehavior::kUnknown);
  EXPECT_FALSE(probe_->offered());
  EXPECT_EQ(requests_, 1);
}

TEST_F(FilteringTest, GivesUpOnASilentServer) {
  loss_percent_ = 100;
  EXPECT_EQ(look(), FilteringBehavior::kUnknown);
  EXPECT_EQ(requests_, kFilteringAsksMax);
}

TEST_F(FilteringTest, DoesNotTakeLossForFiltering) {
  filter_ = Filter::kOpen;
  loss_percent_ = 20;
  int strict = 0, open = 0;
  for (int i = 0; i < 1000; ++i) {
    now_ += 10s;
    const FilteringBehavior found = look();
    strict += found == FilteringBehavior::kAddressAndPortDependent ? 1 : 0;
    open += lets_strangers_in(found) ? 1 : 0;
  }
  EXPECT_LE(strict, 2);
  EXPECT_GE(open, 950);
}

TEST_F(FilteringTest, CountsNoAnswerThatNobodyAskedFor) {
  probe_.emplace(homes_[0], std::span<const IpAddress>(), random_, now_);
  const Bytes forged = StunWriter(StunClass::kSuccess, kStunBinding, {}).take();
  EXPECT_FALSE(probe_->handle_datagram(now_, homes_[1], forged));
  EXPECT_EQ(probe_->result(), FilteringBehavior::kUnknown);
}

TEST_F(FilteringTest, AWatchLooksAtTheNextServerIfTheFirstCannotTell) {
  filter_ = Filter::kOpen;
  FilteringWatch watch(random_);
  const Endpoint silent = endpoint("198.51.100.77:3478");
  watch.restart(std::vector<Endpoint>{silent, homes_[0]});
  second_ports_ = false;
  watch.server_answers(now_, silent);
  run(watch, now_ + 1s);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kUnknown);
  second_ports_ = true;
  watch.server_answers(now_, homes_[0]);
  run(watch, now_ + 1s);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kEndpointIndependent);
}

TEST_F(FilteringTest, AWatchForgetsWhatAnotherNetworkLetIn) {
  filter_ = Filter::kOpen;
  FilteringWatch watch(random_);
  watch.restart(homes_);
  watch.server_answers(now_, homes_[0]);
  run(watch, now_ + 1s);
  EXPECT_TRUE(lets_strangers_in(watch.behavior(AddressFamily::kIpv4)));
  watch.restart(homes_);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kUnknown);
}

TEST_F(FilteringTest, AWatchNoticesThatAFirewallWasClosed) {
  filter_ = Filter::kAddress;
  FilteringWatch watch(random_);
  watch.restart(std::vector<Endpoint>{homes_[0]});
  watch.server_answers(now_, homes_[0]);
  run(watch, now_ + 10s);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kAddressDependent);
  filter_ = Filter::kAddressAndPort;
  run(watch, now_ + kFilteringRecheck + 10s);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kAddressAndPortDependent);
}

TEST_F(FilteringTest, AWatchTriesAgainSoonerWhereTooMuchWasLost) {
  FilteringWatch watch(random_);
  watch.restart(homes_);
  watch.server_answers(now_, homes_[0]);
  run(watch, now_ + 100ms);  // the server has said that it can
  loss_percent_ = 100;
  run(watch, now_ + 10s);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kUnknown);
  loss_percent_ = 0;
  run(watch, now_ + kFilteringRetry);
  EXPECT_EQ(watch.behavior(AddressFamily::kIpv4), FilteringBehavior::kAddressAndPortDependent);
}

}  // namespace
}  // namespace kadwire::rendezvous
