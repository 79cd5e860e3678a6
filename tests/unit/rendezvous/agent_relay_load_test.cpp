/// Relays that are more or less full, and pairs that choose among them.

#include <algorithm>

#include "tests/unit/rendezvous/agent_pair.h"

namespace kadwire::rendezvous::testing {
namespace {

class AgentRelayLoad : public AgentPair {
 protected:
  AgentRelayLoad() {
    world_.fate = [this](const Packet& packet) {
      const IpAddress far = endpoint(kN).address;
      const bool slow = packet.from.address == far || packet.to.address == far;
      return Fate{is_end(packet.from) && is_end(packet.to), slow ? slow_ : kLatency};
    };
  }
  [[nodiscard]] bool is_end(const Endpoint& endpoint) const {
    return std::ranges::any_of(
        all_ends_, [&](const Member* end) { return end->endpoints.front() == endpoint; });
  }
  Member& add_relay(std::string_view endpoint, std::size_t places = kRelayedPairsMax) {
    Member& relay = world_.add(endpoint, {.relayed_pairs = places});
    relay.offers_relay = true;
    relay.publish();
    return relay;
  }
  /// Members that do not reach each other, nor those before them: from now on it is about these.
  void begin_ends(std::size_t count) {
    ends_.clear();
    for (std::size_t i = 0; i < count; ++i) add_end();
  }
  void add_end() {
    const std::string host = std::to_string(all_ends_.size() + 1);
    all_ends_.push_back(&world_.add("198.51.100." + host + ":51820"));
    ends_.push_back(all_ends_.back());
  }
  void reach(Member& relay) {
    for (Member* end : ends_) {
      if (end->agent->session(relay.id()) != nullptr) continue;
      end->meet(relay);
      ASSERT_TRUE(connect(*end, relay));
    }
  }
  /// Every two of the ends that do not know each other yet are pairs from now on.
  void pair_up() {
    for (Member* one : ends_) {
      for (Member* other : ends_) {
        if (one != other && one->agent->session(other->id()) == nullptr) one->meet(*other);
      }
    }
    world_.run_for(5s);
  }
  template <typename Visit>
  void for_pairs(const Visit& visit) const {
    for (const Member* one : ends_) {
      for (const Member* other : ends_) {
        if (one->id() < other->id()) visit(*one, *other);
      }
    }
  }
  /// How many pairs use this relay, both of their ends.
  [[nodiscard]] std::size_t users(const Member& relay) const {
    std::size_t count = 0;
    for_pairs([&](const Member& one, const Member& other) {
      const auto there = one.path_to(other), back = other.path_to(one);
      if (there && back && there->relay == relay.id() && back->relay == relay.id()) ++count;
    });
    return count;
  }
  [[nodiscard]] std::uint64_t swaps() const {
    std::uint64_t count = 0;
    for (const Member* end : ends_) count += end->agent->stats().paths.swapped();
    return count;
  }
  /// Pairs whose last choice had this cause.
  [[nodiscard]] std::size_t moves(PathCause cause) const {
    std::size_t count = 0;
    for_pairs([&](const Member& one, const Member& other) {
      const auto& history = one.agent->session(other.id())->history();
      const PairEvent* chosen = history.last(PairEventKind::kPathChosen);
      if (chosen != nullptr && chosen->cause == cause) ++count;
    });
    return count;
  }
  /// Each relay's traffic is by how many use it, measured each second.
  void run_busy(Duration length, const std::vector<Member*>& relays, std::size_t users_max) {
    for (Duration passed{0}; passed < length; passed += 1s) {
      for (Member* relay : relays) {
        const std::size_t load = std::min<std::size_t>(users(*relay) * kLoadMax / users_max, 100);
        relay->agent->set_relay_traffic({.load = static_cast<std::uint8_t>(load)});
      }
      world_.run_for(1s);
    }
  }

  std::vector<Member*> ends_, all_ends_;
  Duration slow_ = kLatency;  ///< to the relay at kN, and from there
};

TEST_F(AgentRelayLoad, ANewPairGoesToTheRelayThatHasRoomAndStaysThereForAnHour) {
  slow_ = kLatency * 3 / 2;
  Member& full = add_relay(kM, 11);
  begin_ends(5);
  reach(full);
  pair_up();
  ASSERT_EQ(users(full), 10U);
  Member& roomy = add_relay(kN, 40);
  begin_ends(2);
  reach(full);
  reach(roomy);
  pair_up();
  EXPECT_EQ(users(roomy), 1U);
  const std::uint64_t swapped = swaps();
  const std::size_t told = ends_[0]->changes.size() + ends_[1]->changes.size();
  world_.run_for(55min);
  EXPECT_EQ(users(roomy), 1U);
  EXPECT_EQ(swaps(), swapped);
  EXPECT_EQ(ends_[0]->changes.size() + ends_[1]->changes.size(), told);
}

TEST_F(AgentRelayLoad, NobodyLeavesBecauseAllPlacesAreTaken) {
  Member& full = add_relay(kM, 10);
  begin_ends(5);
  reach(full);
  pair_up();
  Member& roomy = add_relay(kN, 100);
  reach(roomy);
  world_.run_for(1min);
  ASSERT_EQ(roomy.agent->relay_desk().pairs(), 10U) << "in reserve";
  world_.run_for(45min);
  EXPECT_EQ(users(full), 10U);
  EXPECT_EQ(swaps(), 0U);
}

TEST_F(AgentRelayLoad, PairsLeaveAFullRelayOneByOneUntilItIsNot) {
  Member& full = add_relay(kM);
  begin_ends(5);
  reach(full);
  pair_up();
  ASSERT_EQ(users(full), 10U);
  run_busy(10s, {&full}, 10);
  Member& roomy = add_relay(kN);
  reach(roomy);
  run_busy(50min, {&full, &roomy}, 10);
  EXPECT_EQ(users(full), 8U) << "at nine of ten it was nearly full still";
  EXPECT_EQ(users(roomy), 2U);
  EXPECT_EQ(swaps(), 2U) << "each once";
  EXPECT_EQ(moves(PathCause::kRoomier), 2U);
}

TEST_F(AgentRelayLoad, NobodyMovesBetweenTwoThatAreBothFull) {
  Member& one = add_relay(kM);
  Member& other = add_relay(kN);
  begin_ends(4);
  reach(one);
  reach(other);
  pair_up();
  ASSERT_EQ(users(one) + users(other), 6U);
  const std::uint64_t swapped = swaps();
  for (int i = 0; i < 100; ++i) {
    const bool turn = i % 2 == 0;
    one.agent->set_relay_traffic({.load = static_cast<std::uint8_t>(turn ? 100 : 75)});
    other.agent->set_relay_traffic({.load = static_cast<std::uint8_t>(turn ? 75 : 100)});
    world_.run_for(30s);
  }
  EXPECT_EQ(swaps(), swapped);
}

TEST_F(AgentRelayLoad, AWordThatNobodyAskedForMovesNobody) {
  Member* used = &add_relay(kM);
  Member* reserve = &add_relay(kN);
  begin_ends(2);
  reach(*used);
  reach(*reserve);
  pair_up();
  if (users(*used) == 0) std::swap(used, reserve);
  ASSERT_EQ(users(*used), 1U);
  used->agent->set_relay_traffic({.load = kLoadMax});
  // As when a port has just been opened: both are told of it, and of the load.
  for (Member* relay : {reserve, used}) relay->agent->handle_relay_port(world_.now(), 1, 40'001);
  world_.run_for(1s);
  EXPECT_EQ(users(*used), 1U);
  world_.run_for(kLoadSpacing);
  EXPECT_EQ(users(*reserve), 1U) << "it was asked";
}

TEST_F(AgentRelayLoad, ARelayKnownToBeNearlyFullIsAskedLast) {
  Member& full = add_relay(kM);
  begin_ends(2);
  reach(full);
  full.agent->set_relay_traffic({.load = kLoadNearlyFull});
  pair_up();
  ASSERT_EQ(users(full), 1U);
  Member& roomy = add_relay(kN);
  Member& far = add_relay("192.0.2.5:51820");
  reach(roomy);
  reach(far);
  world_.run_for(1min);
  // Whoever has chosen once, and knows, chooses for another pair.
  Member* knows = ends_[0]->id() < ends_[1]->id() ? ends_[0] : ends_[1];
  do {
    begin_ends(1);
  } while (ends_[0]->id() < knows->id());
  ends_.push_back(knows);
  for (Member* relay : {&full, &roomy, &far}) reach(*relay);
  const std::size_t before = full.agent->relay_desk().pairs();
  pair_up();
  EXPECT_EQ(users(roomy) + users(far), 1U);
  EXPECT_EQ(full.agent->relay_desk().pairs(), before);
}

}  // namespace
}  // namespace kadwire::rendezvous::testing
