/// Members whose NATs give ports in a row, which others guess; and one that only says so, and names
/// a third party's address.

#include <algorithm>
#include <memory>

#include "tests/unit/rendezvous/agent_world.h"
#include "tests/unit/rendezvous/liar.h"

namespace kadwire::rendezvous::testing {
namespace {

/// Two such NATs, and a public member that introduces and relays.
class AgentGuess : public ::testing::Test {
 protected:
  AgentGuess() {
    helper_.offers_relay = true;
    helper_.publish();
    left_.nat.emplace(*IpAddress::parse("203.0.113.9"), world_.mesh.random(), 20'000);
    right_.nat.emplace(*IpAddress::parse("203.0.113.10"), world_.mesh.random(), 40'000);
    for (Member* one : {&left_, &right_}) {
      one->behavior = varying_nat(false, std::int16_t{1});
      measure(*one);
      one->meet(helper_);
      helper_.meet(*one);
    }
    world_.run_for(1s);
  }
  /// A STUN server that was never asked before tells the newest mapping.
  void measure(Member& member) {
    const Endpoint server{IpAddress::v4(0xc6120000 + ++servers_), 3478};
    member.claims = {member.nat->leave(member.endpoints.front(), server)};
    member.publish();
  }
  void introduce() {
    left_.meet(right_);
    right_.meet(left_);
  }
  bool is_direct() const {
    const auto there = left_.path_to(right_), back = right_.path_to(left_);
    return there && back && !there->relay && !back->relay;
  }
  bool meet(Duration limit) {
    return world_.run_until([&] { return is_direct(); }, limit);
  }
  void restart_left_nat(std::uint16_t newest) {
    left_.nat->reboot(newest);
    // Its data finds no way to anybody; servers tell the ports of now.
    for (int i = 0; i < 10 && is_direct(); ++i) {
      for (Member* other : {&right_, &helper_}) {
        left_.agent->handle_traffic(world_.now(), other->id(), true, false);
        other->agent->handle_traffic(world_.now(), left_.id(), true, false);
      }
      world_.run_for(500ms);
    }
    measure(left_);
  }

  AgentWorld world_;
  std::uint32_t servers_ = 0;
  Member& left_ = world_.add("10.1.0.5:51820");
  Member& right_ = world_.add("10.2.0.5:51820");
  Member& helper_ = world_.add("192.0.2.3:51820");
};

TEST_F(AgentGuess, TwoNatsWithPortsInARowMeet) {
  introduce();
  EXPECT_TRUE(meet(15s));
}

TEST_F(AgentGuess, TheyMeetAgainEachTimeThatOneOfTheNatsHasStartedAnew) {
  introduce();
  ASSERT_TRUE(meet(15s));
  for (std::uint16_t newest = 5'000; newest <= 15'000; newest += 5'000) {
    world_.run_for(15min);
    restart_left_nat(newest);
    EXPECT_FALSE(is_direct());
    EXPECT_TRUE(meet(30s)) << newest;
  }
}

TEST_F(AgentGuess, WhatFailedIsTriedAgainWhereAMappingIsANewOne) {
  world_.fate = [](Packet& packet) {  // nothing gets from NAT to NAT
    const auto is_nat = [](const Endpoint& end) {
      return end.address == *IpAddress::parse("203.0.113.9") ||
             end.address == *IpAddress::parse("203.0.113.10");
    };
    return Fate{is_nat(packet.from) && is_nat(packet.to)};
  };
  introduce();
  EXPECT_FALSE(meet(2h));
  world_.fate = [](Packet&) { return Fate{}; };
  EXPECT_FALSE(meet(1h)) << "both have been through all rounds";
  left_.nat->skip_to(30'000);
  right_.nat->skip_to(50'000);
  measure(left_);
  measure(right_);
  EXPECT_TRUE(meet(301s)) << "the tries are five minutes apart by now";
}

/// Claims a third party's address as its NAT's, and that its ports follow in a row.
class AgentGuessLiar : public ::testing::Test {
 protected:
  Liar& add_liar(std::uint32_t number) {
    auto& liar = *liars_.emplace_back(
        std::make_unique<Liar>(world_, Endpoint{IpAddress::v4(0xc0000200 + number), 51'820}));
    liar.nat = varying_nat(false, std::int16_t{1});
    liar.join(victim_, {kThirdParty, liar.at()});
    return liar;
  }
  /// Each says that its addresses changed, and answers nothing until the tries are over.
  void lose_paths(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 5s) {
      ++epoch_;
      for (const auto& liar : liars_) {
        liar->withholds = false;
        liar->say(liar->at(), Ping{1, true, false, epoch_});
        liar->withholds = true;
      }
      world_.run_for(5s);
    }
  }
  /// Packets to ports that nobody named.
  std::size_t guesses() const {
    return static_cast<std::size_t>(std::ranges::count_if(world_.sent, [&](const Packet& packet) {
      return packet.to.address == kThirdParty.address && packet.to != kThirdParty;
    }));
  }

  const Endpoint kThirdParty = endpoint("203.0.113.77:4000");
  AgentWorld world_;
  Member& victim_ = world_.add("198.51.100.1:51820");
  std::vector<std::unique_ptr<Liar>> liars_;
  std::uint8_t epoch_ = 0;
};

TEST_F(AgentGuessLiar, OneThatLosesItsPathAllTheTimeHasElevenHundredPingsSentInAQuarterOfAnHour) {
  world_.records = true;
  add_liar(10);
  lose_paths(15min);
  EXPECT_GT(guesses(), 1000U);
  EXPECT_LE(guesses(), 1100U);
  const std::size_t before = guesses();
  lose_paths(15min);
  EXPECT_LE(guesses() - before, 200U);
}

TEST_F(AgentGuessLiar, OneThatIsReachedThroughAnotherAloneHasNoMoreSent) {
  Liar way{world_, endpoint("203.0.113.65:51820")};
  way.join(victim_);
  Liar& liar = add_liar(10);
  way.say(way.at(), Forwarded{liar.id(), liar.frame(Ping{1, false, false, 0})});
  liar.answer_only_through(way);
  world_.records = true;
  victim_.agent->handle_traffic(world_.now(), liar.id(), true, false);
  world_.run_for(15min);
  EXPECT_GT(guesses(), 500U);
  EXPECT_LE(guesses(), 1100U);
  const std::size_t before = guesses();
  world_.run_for(1h);
  EXPECT_LE(guesses() - before, 800U);
}

TEST_F(AgentGuessLiar, ManyTogetherHaveOneTryASecondSent) {
  constexpr std::uint32_t kLiars = 30;
  for (std::uint32_t i = 0; i < kLiars; ++i) add_liar(10 + i);
  world_.records = true;
  lose_paths(30s);
  EXPECT_GT(guesses(), std::size_t{kGuessesInAll.burst} * (kGuessesPerTry - 1));
  EXPECT_LE(guesses(), std::size_t{kGuessesInAll.burst + 30} * kGuessesPerTry);
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
