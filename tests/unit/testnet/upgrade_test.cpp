/// Tunnels that move from a relay to a direct path, in worlds of three members.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/unit/testnet/virtual_run.h"
#include "tools/testnet/nodes/dht_node.h"
#include "tools/testnet/nodes/member_node.h"

namespace kadwire::testnet {
namespace {

constexpr auto kWallStart = kWallStartDefault + 20min;
/// As a telephone call.
constexpr Duration kPingEvery = 20ms;
constexpr Duration kLook = 1ms;

/// Two members that a third one relays between, until mend().
class Upgrade {
 public:
  explicit Upgrade(std::uint64_t seed) : seed_(seed) {
    restart_virtual_clock(kWallStart);
    seed_virtual_random_device(seed);
    const HostId left = left_host_.id(), right = right_host_.id();
    internet_.cut(1, std::span(&left, 1), std::span(&right, 1));
    answer_pings(left_, right_);
    answer_pings(right_, left_);
    for (Program* program : std::initializer_list<Program*>{&door_, &relay_, &left_, &right_}) {
      program->start();
    }
  }
  void mend() { internet_.heal(1); }
  /// Both ping each other all the while.
  void run_for(Duration duration) {
    for (const TimePoint end = queue_.now() + duration; queue_.now() < end;) {
      testnet::run_for(queue_, kLook);
      const Duration phase = (queue_.now() - pings_began_) % kPingEvery;
      if (pings_ && phase == Duration{0}) ping(left_, right_);
      if (pings_ && phase == kPingEvery / 2) ping(right_, left_);
      look(left_, right_);
      look(right_, left_);
    }
  }
  void begin_pings() {
    pings_ = true;
    pings_began_ = queue_.now();
  }
  void end_pings() { pings_ = false; }
  [[nodiscard]] bool relayed() const {
    return kind_of(left_, right_) == node::PathKind::kRelayed &&
           kind_of(right_, left_) == node::PathKind::kRelayed;
  }
  [[nodiscard]] bool direct() const {
    return kind_of(left_, right_) == node::PathKind::kDirect &&
           kind_of(right_, left_) == node::PathKind::kDirect;
  }
  [[nodiscard]] std::size_t unanswered() const { return unanswered_.size(); }
  /// What status said of a tunnel, against where it sent.
  [[nodiscard]] const std::set<std::string>& lies() const { return lies_; }

 private:
  void ping(MemberNode& from, const MemberNode& to) {
    ByteWriter packet;
    packet.u8(1).be64(++last_ping_);
    unanswered_.insert(last_ping_);
    from.device().send_packet(to.ipv6(), packet.view());
  }
  void answer_pings(MemberNode& member, const MemberNode& other) {
    member.set_packet_handler([this, &member, &other](const IpAddress&, ByteView packet) {
      ByteReader reader(packet);
      const bool request = reader.u8() == 1;
      const std::uint64_t number = reader.be64();
      if (!request) {
        unanswered_.erase(number);
        return;
      }
      member.device().send_packet(other.ipv6(), ByteWriter().u8(2).be64(number).view());
    });
  }
  [[nodiscard]] static std::optional<node::PeerView> view_of(const MemberNode& at,
                                                             const MemberNode& other) {
    for (const node::PeerView& view : at.driver().peer_views()) {
      if (view.node == other.identity().node_id()) return view;
    }
    return std::nullopt;
  }
  [[nodiscard]] static node::PathKind kind_of(const MemberNode& at, const MemberNode& other) {
    const auto view = view_of(at, other);
    return view ? view->path : node::PathKind::kNone;
  }
  void look(const MemberNode& at, const MemberNode& other) {
    const auto view = view_of(at, other);
    if (!view || !view->endpoint) return;
    const auto relays = internet_.addresses(relay_host_.id());
    const bool at_relay = std::ranges::any_of(relays, [&](const HostAddress& own) {
      return own.prefix.address == view->endpoint->address;
    });
    const bool standing =
        view->path == node::PathKind::kDirect || view->path == node::PathKind::kRelayed;
    if (standing && at_relay != (view->path == node::PathKind::kRelayed)) {
      lies_.insert(std::string(to_text(view->path)) + " at " + view->endpoint->to_string());
    }
  }
  [[nodiscard]] static HostOptions options() {
    HostOptions options;
    options.link.latency.low = 12ms;
    options.link.jitter = 2ms;
    return options;
  }

  const std::uint64_t seed_;
  EventQueue queue_{kWallStart};
  Internet internet_{queue_, seed_};
  SimMesh mesh_{seed_};
  SimHost door_host_{queue_, internet_, internet_.add_host({}), "door"};
  SimHost relay_host_{queue_, internet_, internet_.add_host(options()), "relay"};
  SimHost left_host_{queue_, internet_, internet_.add_host(options()), "left"};
  SimHost right_host_{queue_, internet_, internet_.add_host(options()), "right"};
  std::vector<Endpoint> bootstrap_{
      {internet_.addresses(door_host_.id()).front().prefix.address, kDhtPort}};
  DhtNode door_{door_host_, {{}, true, 1}};
  MemberNode relay_{relay_host_, mesh_, {.bootstrap = bootstrap_, .hostname = "relay", .seed = 2}};
  MemberNode left_{left_host_, mesh_, {.bootstrap = bootstrap_, .hostname = "left", .seed = 3}};
  MemberNode right_{right_host_, mesh_, {.bootstrap = bootstrap_, .hostname = "right", .seed = 4}};
  bool pings_ = false;
  TimePoint pings_began_;
  std::uint64_t last_ping_ = 0;
  std::set<std::uint64_t> unanswered_;
  std::set<std::string> lies_;
};

TEST(Upgrade, LosesNoPacketAndIsCalledWhatItIsAllTheWhile) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Upgrade world(seed);
    world.run_for(15s);
    ASSERT_TRUE(world.relayed()) << seed;
    world.begin_pings();
    world.run_for(2s);
    world.mend();
    world.run_for(75s);  // the relays are released after a minute at most
    world.end_pings();
    world.run_for(2s);
    EXPECT_TRUE(world.direct()) << seed;
    EXPECT_EQ(world.unanswered(), 0U) << seed;
    EXPECT_TRUE(world.lies().empty()) << seed << ": " << *world.lies().begin();
  }
}

}  // namespace
}  // namespace kadwire::testnet
