/// What strangers and members can do to an agent with datagrams: nothing that they did not prove,
/// and never many packets for few.

#include <algorithm>

#include "tests/unit/rendezvous/agent_world.h"
#include "tests/unit/rendezvous/liar.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentAttack : public ::testing::Test {
 protected:
  static Endpoint forged(std::size_t i) {
    return {IpAddress::v4(0x0b000000 + static_cast<std::uint32_t>(i)), 4000};
  }
  static std::size_t bytes_of(const std::vector<Transmit>& sent) {
    std::size_t bytes = 0;
    for (const Transmit& transmit : sent) bytes += transmit.payload.size();
    return bytes;
  }
  AgentWorld world_;
  Member& victim_ = world_.add("198.51.100.1:51820");
  Liar liar_{world_, endpoint("203.0.113.66:51820")};
};

TEST_F(AgentAttack, ANewSourceGetsNoMoreThanItSentForLong) {
  liar_.join(victim_);
  std::size_t in = 0, out = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    const Bytes ping = liar_.frame(Ping{static_cast<std::uint32_t>(i), false, false, 0});
    in += ping.size();
    liar_.deliver(forged(i), ping);
    const auto sent = liar_.drain();
    EXPECT_LE(sent.size(), 2U + kCandidatesMax);
    out += bytes_of(sent);
    world_.run_for(1ms);
  }
  // Two seconds: what kPromptedChecks allows in them, at five pings each.
  EXPECT_LE(out, in + (kPromptedChecks.burst + 2) * 5 * 66);
}

TEST_F(AgentAttack, APingWithAForgedSourceMakesNoPath) {
  liar_.join(victim_);
  for (std::size_t i = 0; i < 100; ++i) liar_.say(forged(i), Ping{7, true, true, 0});
  world_.run_for(1s);
  for (const PathChanged& change : victim_.changes) {
    EXPECT_EQ(change.path.endpoint, liar_.at());
  }
}

TEST_F(AgentAttack, AnAnswerWithAForgedSourceProvesNothing) {
  Member& honest = world_.add("203.0.113.2:51820");
  Bytes answer;
  world_.fate = [&](Packet& packet) {
    const bool is_answer = packet.payload[1] == static_cast<std::byte>(FrameType::kAnswer);
    if (is_answer && packet.to == victim_.endpoints[0]) answer = packet.payload;
    return Fate{is_answer};
  };
  victim_.meet(honest);
  world_.run_for(100ms);
  ASSERT_FALSE(answer.empty());
  world_.fate = [](Packet&) { return Fate{true}; };
  world_.deliver(victim_, forged(1), answer);
  world_.run_for(1s);
  EXPECT_TRUE(victim_.agent->session(honest.id())->established());
  EXPECT_FALSE(victim_.reaches(honest));
}

TEST_F(AgentAttack, AFirstMessageWithAForgedSourceProvesNothing) {
  liar_.join(victim_);
  for (const auto& change : victim_.changes) ASSERT_EQ(change.path.endpoint, liar_.at());
  // One call, answered here and there; the session's first message is "from" there.
  const Endpoint there = forged(1);
  const Bytes call = liar_.link().call(world_.now(), 0, liar_.record());
  liar_.deliver(there, call);
  liar_.deliver(liar_.at(), call);
  world_.run_for(100ms);
  liar_.say(there, Ping{9, true, false, 0});
  world_.run_for(1s);
  for (const PathChanged& change : victim_.changes) EXPECT_NE(change.path.endpoint, there);
}

TEST_F(AgentAttack, AReplayedCallChangesNothingAndGetsOneAnswer) {
  Member& peer = world_.add("203.0.113.2:51820");
  world_.records = true;
  victim_.meet(peer);
  peer.meet(victim_);
  world_.run_for(5s);
  ASSERT_TRUE(victim_.reaches(peer));
  const std::vector<Packet> seen = world_.sent;
  const auto changes = victim_.changes.size();
  for (const Packet& packet : seen) {
    if (packet.to != victim_.endpoints[0]) continue;
    const auto before = std::pair(victim_.packets_out, victim_.bytes_out);
    world_.deliver(victim_, forged(1), packet.payload);
    world_.settle();
    EXPECT_LE(victim_.packets_out - before.first, 1U);
    EXPECT_LE(victim_.bytes_out - before.second, packet.payload.size());
  }
  world_.run_for(1min);
  EXPECT_EQ(victim_.changes.size(), changes);
  EXPECT_EQ(victim_.path_to(peer)->endpoint, peer.endpoints[0]);
}

TEST_F(AgentAttack, DamagedFramesAreNeverAnswered) {
  Member& peer = world_.add("203.0.113.2:51820");
  world_.records = true;
  victim_.meet(peer);
  world_.run_for(2s);
  const auto seen = world_.sent;
  testnet::SeededRandom random(3);
  const std::size_t out = victim_.packets_out;
  const auto refused = victim_.agent->stats().frames_refused;
  std::size_t tried = 0;
  for (int round = 0; round < 50; ++round) {
    for (const Packet& packet : seen) {
      Bytes damaged = packet.payload;
      if (round % 2 == 0) {
        damaged[random_below(random, damaged.size())] ^=
            static_cast<std::byte>(1 + random_below(random, 255));
        if (!looks_like_frame(damaged)) continue;
      } else {
        damaged.resize(kFrameHeaderBytes +
                       random_below(random, damaged.size() - kFrameHeaderBytes));
      }
      ++tried;
      world_.deliver(victim_, packet.from, damaged);
    }
  }
  world_.settle();
  EXPECT_EQ(victim_.packets_out, out);
  EXPECT_EQ(victim_.agent->stats().frames_refused, refused + tried);
}

TEST_F(AgentAttack, DamagePastTheTagIsNeverAnsweredEither) {
  liar_.join(victim_);
  testnet::SeededRandom random(4);
  const std::size_t events = victim_.changes.size();
  for (int i = 0; i < 2000; ++i) {
    const bool call = i % 20 == 0;  // each costs key agreements
    Bytes good = call ? liar_.link().call(world_.now(), 0, liar_.record())
                      : liar_.frame(Ping{1, true, true, 77});
    Bytes payload(good.begin() + kFrameHeaderBytes, good.end());
    const std::size_t at = 36 + random_below(random, payload.size() - 36);
    // A call's first 36 bytes decide which one it is; a session's number whose.
    payload[call ? at : random_below(random, payload.size())] ^= std::byte{0x40};
    const auto type = call ? FrameType::kCall : FrameType::kSession;
    liar_.deliver(liar_.at(),
                  encode_frame(type, payload, hour_of(world_.now().wall), liar_.frame_keys()));
    EXPECT_TRUE(liar_.drain().empty());
  }
  EXPECT_EQ(victim_.changes.size(), events);
}

TEST_F(AgentAttack, EpochsAndLossesThatNeverEndDoNotBecomeAFlood) {
  std::vector<Endpoint> claims = {liar_.at()};
  for (std::size_t i = 1; i < kCandidatesMax; ++i) claims.push_back(forged(i));
  liar_.join(victim_, claims);
  std::map<Endpoint, std::size_t> packets;
  for (int i = 0; i < 10'000; ++i) {
    liar_.say(liar_.at(), Ping{1, true, i % 2 == 0, static_cast<std::uint8_t>(i)});
    for (const Transmit& sent : liar_.drain()) {
      ++packets[sent.to];
      if (sent.to == liar_.at()) liar_.receive(sent.payload);
    }
    world_.run_for(1ms);
  }
  for (std::size_t i = 1; i < kCandidatesMax; ++i) EXPECT_LE(packets[forged(i)], 60U) << i;
}

TEST_F(AgentAttack, RecordsThatNameOthersAllTheTimeMakeFewPackets) {
  liar_.join(victim_);
  std::size_t out = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    std::vector<Endpoint> claims;
    for (std::size_t j = 0; j < kCandidatesMax; ++j) claims.push_back(forged(i * 8 + j));
    victim_.agent->set_peer(world_.now(), liar_.claim(claims).record);
    out += liar_.drain().size();
    world_.run_for(10ms);
  }
  out += victim_.packets_out;
  // Ten seconds: the burst and one a second, five pings and some calls each.
  EXPECT_LE(out, (kNewTargets.burst + 12) * 20);
}

TEST_F(AgentAttack, AVictimNamedByALiarGetsABoundedNumberOfCalls) {
  const Endpoint bystander = endpoint("11.1.1.1:53");
  victim_.agent->set_peer(world_.now(), liar_.claim({bystander}).record);
  world_.run_for(15s);
  EXPECT_LE(world_.lost_to(bystander), static_cast<std::size_t>(kBurstTries));
  world_.run_for(15min - 15s);
  EXPECT_LE(world_.lost_to(bystander), static_cast<std::size_t>(kBurstTries + 13 * kSlotTries));
  const std::size_t quarter = world_.lost_to(bystander);
  world_.run_for(24h);
  EXPECT_LE(world_.lost_to(bystander) - quarter, 24U * 12 * kSlotTries);
}

TEST_F(AgentAttack, ABystanderIsNotCalledMoreForRecordsThatFollowOneAnother) {
  const Endpoint bystander = endpoint("11.1.1.1:53");
  for (std::size_t i = 0; i < 600; ++i) {
    victim_.agent->set_peer(world_.now(), liar_.claim({bystander, forged(i)}).record);
    world_.run_for(100ms);
  }
  EXPECT_LE(world_.lost_to(bystander), 70U);
}

TEST_F(AgentAttack, AForgedSourceIsNeverCalledWhenTheLiarFallsSilent) {
  liar_.join(victim_);
  for (std::size_t i = 0; i < 20; ++i) liar_.say(forged(i), Ping{3, false, false, 0});
  liar_.say(liar_.at(), Ping{4, false, false, 9});
  liar_.fall_silent();
  world_.run_for(10min);
  EXPECT_GE(world_.lost_to(liar_.at()), static_cast<std::size_t>(kBurstTries));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_LE(world_.lost_to(forged(i)), 3U) << i;
}

TEST_F(AgentAttack, NoFrameIsHeardFromInsideTheMesh) {
  Member& peer = world_.add("203.0.113.2:51820");
  world_.records = true;
  peer.meet(victim_);
  world_.run_for(kLatency / 2);
  ASSERT_EQ(world_.sent.size(), 1U);
  const Bytes call = world_.sent[0].payload;
  const IpAddress inside = world_.mesh.ipv4_network().address;
  const IpAddress loopback = *IpAddress::parse("127.0.0.1");
  for (const Endpoint& from : {Endpoint{inside, 51820}, Endpoint{loopback, 51820},
                               Endpoint{peer.endpoints[0].address, 0}}) {
    world_.deliver(victim_, from, call);
  }
  world_.settle();
  EXPECT_EQ(victim_.packets_out, 0U);
  EXPECT_EQ(victim_.records, 0U);
}

TEST_F(AgentAttack, OneSourcesFloodOfCallsLeavesRoomForOthers) {
  FrameKeys keys(world_.mesh.keys());
  for (std::size_t i = 0; i < 3000; ++i) {
    Bytes payload(400);  // all different, and for nobody
    payload[4] = static_cast<std::byte>(i);
    payload[5] = static_cast<std::byte>(i >> 8);
    world_.deliver(victim_, forged(1),
                   encode_frame(FrameType::kCall, payload, hour_of(world_.now().wall), keys));
  }
  EXPECT_GE(victim_.agent->stats().calls_limited, 3000U - kCallsPerSource.burst);
  Member& peer = world_.add("203.0.113.2:51820");
  peer.meet(victim_);
  EXPECT_TRUE(world_.run_until([&] { return peer.reaches(victim_); }, 1s));
}

TEST_F(AgentAttack, AnIntroducersFloodOfCallsIsLimitedToo) {
  liar_.join(victim_);
  const auto limited = victim_.agent->stats().calls_limited;
  for (std::size_t i = 0; i < 500; ++i) {
    Bytes payload(400);
    payload[4] = static_cast<std::byte>(i);
    payload[5] = static_cast<std::byte>(i >> 8);
    const Bytes call =
        encode_frame(FrameType::kCall, payload, hour_of(world_.now().wall), liar_.frame_keys());
    liar_.say(liar_.at(), Forwarded{liar_.id(), call});
  }
  EXPECT_GE(victim_.agent->stats().calls_limited - limited, 500U - kCallsPerSource.burst);
}

TEST_F(AgentAttack, AFrameInAForwardedFrameAsksForNothing) {
  Member& peer = world_.add("203.0.113.2:51820");
  victim_.meet(peer);
  liar_.join(victim_);
  ASSERT_TRUE(victim_.reaches(peer));
  const Bytes inner = liar_.frame(Forward{peer.id(), Bytes(100)});
  liar_.say(liar_.at(), Forwarded{liar_.id(), inner});
  EXPECT_TRUE(liar_.drain().empty());
  EXPECT_EQ(victim_.agent->stats().forwarded, 0U);
  liar_.say(liar_.at(), Forward{peer.id(), Bytes(100)});
  EXPECT_EQ(liar_.drain().size(), 1U);
}

TEST_F(AgentAttack, FramesPassedOnAreLimitedForEachMember) {
  Member& peer = world_.add("203.0.113.2:51820");
  victim_.meet(peer);
  liar_.join(victim_);
  for (std::size_t i = 0; i < kForwardsPerMember.burst + 100; ++i) {
    liar_.say(liar_.at(), Forward{peer.id(), Bytes(500)});
  }
  EXPECT_EQ(victim_.agent->stats().forwarded, kForwardsPerMember.burst);
}

TEST_F(AgentAttack, OnlyARelayThatWasAskedMayNameAPort) {
  Member& peer = world_.add("203.0.113.2:51820");
  victim_.meet(peer);
  liar_.join(victim_);
  const Endpoint port = {liar_.at().address, 7000};
  for (int i = 0; i < 10; ++i) liar_.say(liar_.at(), RelayReply{peer.id(), 7000});
  world_.run_for(3s);
  EXPECT_EQ(world_.lost_to(port), 0U);
}

TEST_F(AgentAttack, ARelayHoldsNoPortForWhoItDoesNotKnow) {
  liar_.join(victim_);
  liar_.say(liar_.at(), RelayRequest{crypto::NodeId{}});
  EXPECT_FALSE(victim_.agent->poll_relay_action());
}

TEST_F(AgentAttack, TwoThatAreOnlyReachedThroughEachOtherMakeNoCircle) {
  Liar second(world_, endpoint("203.0.113.67:51820"));
  liar_.join(victim_);
  second.join(victim_);
  liar_.answer_only_through(second);
  second.answer_only_through(liar_);
  for (Liar* each : {&liar_, &second}) each->say(each->at(), Ping{1, false, false, 1});
  // The paths die, the sessions are in doubt, calls are answered through the other.
  const auto each_through_other = [&] {
    return !victim_.agent->session(liar_.id())->working_introducers().empty() &&
           !victim_.agent->session(second.id())->working_introducers().empty();
  };
  EXPECT_TRUE(world_.run_until(each_through_other, 1min));
  EXPECT_FALSE(victim_.agent->session(liar_.id())->chosen());
  EXPECT_FALSE(victim_.agent->session(second.id())->chosen());
  world_.run_for(5min);
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
