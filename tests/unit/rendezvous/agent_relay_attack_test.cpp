/// What members of bad faith can do with a relay: nothing reaches who did not ask for it, and
/// nothing goes in circles.

#include <memory>

#include "tests/unit/rendezvous/agent_pair.h"
#include "tests/unit/rendezvous/liar.h"

namespace kadwire::rendezvous::testing {
namespace {

const Endpoint kVictim = endpoint("203.0.113.99:53");
const Bytes kData(1000, std::byte{4});

class AgentRelayAttack : public ::testing::Test {
 protected:
  /// A member that the relay knows, and that does not answer challenges by itself.
  Liar& add_liar() {
    const auto number = static_cast<std::uint8_t>(liars_.size() + 1);
    liars_.push_back(std::make_unique<Liar>(
        world_, Endpoint{IpAddress::v4(0xcb007100U + number), 51'820}));  // 203.0.113.x
    liars_.back()->join(relay_);
    return *liars_.back();
  }
  /// A port for these two, for which both have asked.
  Endpoint open(Liar& a, Liar& b) {
    a.say(a.at(), RelayRequest{b.id()});
    b.say(b.at(), RelayRequest{a.id()});
    world_.settle();
    return {relay_.endpoints[0].address, static_cast<std::uint16_t>(40'000 + ++opened_)};
  }
  void bind(Liar& liar, const Liar& peer, const Endpoint& port, const Endpoint& source,
            std::uint64_t proof = 0) {
    world_.post({source, port, liar.frame(RelayBind{peer.id(), proof}, FrameType::kBind)});
    world_.run_for(100ms);
  }
  /// Binds as an honest member would, from where the liar is.
  void bind_truly(Liar& liar, const Liar& peer, const Endpoint& port) {
    std::uint64_t proof = 0;
    const auto usual = world_.others[liar.at()];
    world_.others[liar.at()] = [&](const Packet& packet) {
      const auto frame = open_frame(packet.payload, hour_of(world_.now().wall), liar.frame_keys());
      if (!frame || frame->type != FrameType::kBind) return usual(packet);
      const auto received = liar.link().open(world_.now(), frame->type, frame->payload);
      proof = std::get<RelayChallenge>(received.value().message).proof;
    };
    bind(liar, peer, port, liar.at());
    world_.others[liar.at()] = usual;
    ASSERT_NE(proof, 0U);
    bind(liar, peer, port, liar.at(), proof);
  }
  /// Bytes that were sent to `to` since the last time, data of the pair alone, or all.
  [[nodiscard]] std::size_t bytes_to(const Endpoint& to) {
    std::size_t bytes = 0;
    for (const Packet& packet : world_.sent) bytes += packet.to == to ? packet.payload.size() : 0;
    world_.sent.clear();
    return bytes;
  }

  AgentWorld world_;
  Member& relay_ = world_.add("198.51.100.1:51820");
  std::vector<std::unique_ptr<Liar>> liars_;
  unsigned opened_ = 0;
};

TEST_F(AgentRelayAttack, AVictimWhoseAddressIsForgedGetsNoMoreThanCameInItsName) {
  Liar& a = add_liar();
  Liar& b = add_liar();
  const Endpoint port = open(a, b);
  bind_truly(b, a, port);
  world_.records = true;
  std::size_t forged = 0;
  for (int i = 0; i < 20; ++i) {
    const Bytes frame = a.frame(RelayBind{b.id(), 0}, FrameType::kBind);
    forged += frame.size();
    world_.post({kVictim, port, frame});
    world_.post({b.at(), port, kData});
    world_.run_for(100ms);
  }
  const std::size_t reached = bytes_to(kVictim);
  EXPECT_GT(reached, 0U) << "challenges";
  EXPECT_LE(reached, forged);
  EXPECT_EQ(relay_.agent->relay_desk().counters().proven, 1U);
}

TEST_F(AgentRelayAttack, WhoProvedOnePlaceCannotMoveItsEndToAVictims) {
  Liar& a = add_liar();
  Liar& b = add_liar();
  const Endpoint port = open(a, b);
  bind_truly(a, b, port);
  bind_truly(b, a, port);
  bind(a, b, port, kVictim);
  bind(a, b, port, kVictim, 12'345);
  world_.records = true;
  world_.post({b.at(), port, kData});
  world_.run_for(100ms);
  EXPECT_EQ(bytes_to(kVictim), 0U);
  world_.post({b.at(), port, kData});
  world_.run_for(100ms);
  EXPECT_EQ(bytes_to(a.at()), kData.size()) << "and stays where it is";
}

TEST_F(AgentRelayAttack, PortsThatAreBoundToEachOtherPassNothingRound) {
  Liar& a = add_liar();
  Liar& b = add_liar();
  Liar& c = add_liar();
  const Endpoint ab = open(a, b), bc = open(b, c), ca = open(c, a);
  for (int round = 0; round < 3; ++round) {
    bind(a, b, ab, bc);
    bind(b, a, ab, ca);
    bind(b, c, bc, ca);
    bind(c, b, bc, ab);
    bind(c, a, ca, ab);
    bind(a, c, ca, bc);
  }
  world_.records = true;
  world_.post({bc, ab, kData});
  world_.run_for(10s);
  for (const Endpoint& port : {bc, ca}) EXPECT_EQ(bytes_to(port), 0U);
  EXPECT_EQ(relay_.agent->relay_desk().counters().proven, 0U);
}

TEST_F(AgentRelayAttack, TwoRelaysBoundToEachOtherPassNothingRound) {
  Liar& a = add_liar();
  Liar& b = add_liar();
  const Endpoint port = open(a, b);
  // Another relay's port for the same two: what it gets is no bind of its own, and goes nowhere.
  const Endpoint other = endpoint("192.0.2.9:40001");
  std::size_t passed_on = 0;
  world_.others[other] = [&](const Packet& packet) {
    if (looks_like_bind(packet.payload)) return;
    ++passed_on;
    world_.post({other, port, packet.payload});
  };
  bind(a, b, port, other);
  bind_truly(b, a, port);
  world_.post({other, port, kData});
  world_.post({b.at(), port, kData});
  world_.run_for(10s);
  EXPECT_EQ(passed_on, 0U);
}

TEST_F(AgentRelayAttack, NoPlaceIsEvenChallengedThatARelayMayNotSendTo) {
  Liar& a = add_liar();
  Liar& b = add_liar();
  const Endpoint port = open(a, b);
  const IpAddress inside = world_.mesh.ipv4_network().address;
  const Endpoint forbidden[] = {
      endpoint("127.0.0.1:53"),
      endpoint("224.0.0.251:5353"),
      endpoint("169.254.1.1:80"),
      endpoint("0.0.0.0:9"),
      endpoint("10.1.2.3:80"),
      endpoint("192.168.1.1:53"),
      endpoint("198.51.100.1:51820"),  // the relay itself
      endpoint("198.51.100.255:9"),    // all on its link
      endpoint("[::1]:53"),
      endpoint("[ff02::1]:5353"),
      endpoint("[2001:db8::1]:53"),  // a family that it does not have
      {IpAddress::v4(inside.v4_value() + 1), 80},
      {kVictim.address, 0},
  };
  world_.records = true;
  for (const Endpoint& place : forbidden) {
    world_.post({place, port, a.frame(RelayBind{b.id(), 0}, FrameType::kBind)});
    world_.run_for(100ms);
    EXPECT_EQ(bytes_to(place), 0U) << place.to_string();
  }
  EXPECT_EQ(relay_.agent->relay_desk().counters().challenged, 0U);
}

TEST_F(AgentRelayAttack, AMemberAnswersNoChallengeButOfARelayThatItBoundTo) {
  Liar& liar = add_liar();
  Member& other = world_.add("192.0.2.77:51820");
  other.meet(relay_);
  relay_.meet(other);
  world_.run_for(5s);
  world_.records = true;
  for (const Endpoint& source : {liar.at(), kVictim}) {
    world_.post({source, relay_.endpoints[0],
                 liar.frame(RelayChallenge{other.id(), 77}, FrameType::kBind)});
  }
  world_.run_for(100ms);
  for (const Packet& packet : world_.sent) {
    EXPECT_FALSE(packet.from == relay_.endpoints[0] && looks_like_bind(packet.payload));
  }
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
