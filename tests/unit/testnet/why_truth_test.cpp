/// What `why` says of a pair that is not connected as it could be, against what is known to stand
/// between them: right in 95 of 100 answers and more.

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "node/explain_path.h"
#include "tests/unit/testnet/virtual_run.h"
#include "tools/testnet/nodes/dht_node.h"
#include "tools/testnet/nodes/member_node.h"

namespace kadwire::testnet {
namespace {

using node::PathKind;
using node::Reason;

constexpr auto kWallStart = kWallStartDefault + 20min;
constexpr std::uint64_t kSeeds = 10;
constexpr double kRightShare = 0.95;

/// What is around one of the two.
struct Around {
  const char* nat = "";  ///< a kind of nat_kinds(); empty: a public host
  Families families = Families::kIpv4;
  bool relayed_only = false;
};

enum class Mishap { kNone, kRightDies, kRightIsCutOff, kHelperDies, kWayIsCut };

struct Failure {
  const char* name;
  Around left, right;
  bool helper = true;  ///< a public member that introduces and relays
  bool stun = true;    ///< bootstrap nodes answer it
  Mishap mishap = Mishap::kNone;
  Duration asked_after{0};        ///< the mishap, or the later start; up to twice as late
  std::set<Reason> left_says{};   ///< any of these is right; none: that side is not asked
  std::set<Reason> right_says{};  ///< the same
  bool succeeds = false;  ///< it may be direct all the same, by luck: then why is right to say so
};

/// As the test's name has it.
void PrintTo(const Failure& failure, std::ostream* out) {
  *out << failure.name;
}

class Failing {
 public:
  Failing(const Failure& failure, std::uint64_t seed) : failure_(failure), seed_(seed) {
    restart_virtual_clock(kWallStart);
    seed_virtual_random_device(seed);
    for (Program* door : {&door_, &other_door_}) door->start();
    if (failure.helper) helper_.start();
    if (failure.mishap == Mishap::kWayIsCut) cut();
    run_for(4s);
    left_.start();
    run_for(2s);
    right_.start();
    if (failure.mishap != Mishap::kNone && failure.mishap != Mishap::kWayIsCut) run_for(20s);
    if (failure.mishap == Mishap::kRightDies) right_.cut_power();
    if (failure.mishap == Mishap::kHelperDies) helper_.cut_power();
    if (failure.mishap == Mishap::kRightIsCutOff) {
      internet_.set_inbound_loss(right_host_.id(), 1);
      internet_.set_outbound_loss(right_host_.id(), 1);
    }
    run_for(failure.asked_after + failure.asked_after * (seed - 1) / kSeeds);
  }
  /// Told to those who ask on the left, or on the right; nullopt: it has never heard of the other.
  [[nodiscard]] std::optional<node::Explanation> left_says() const { return says(left_, right_); }
  [[nodiscard]] std::optional<node::Explanation> right_says() const { return says(right_, left_); }

 private:
  void run_for(Duration duration) { testnet::run_for(queue_, duration); }
  void cut() {
    const HostId left = left_host_.id(), right = right_host_.id();
    internet_.cut(1, std::span(&left, 1), std::span(&right, 1));
  }
  [[nodiscard]] static std::optional<node::Explanation> says(const MemberNode& at,
                                                             const MemberNode& other) {
    const auto story = at.driver().peer_story(other.identity().node_id());
    return story ? std::optional(node::explain(*story)) : std::nullopt;
  }
  [[nodiscard]] static LinkModel link() {
    LinkModel link;
    link.latency = {LatencyModel::Shape::kUniform, 15ms, 40ms};
    link.loss = 0.015;
    return link;
  }
  HostId settle(const Around& around) {
    HostOptions options{.families = around.families, .link = link()};
    if (*around.nat != '\0') {
      options.behind =
          internet_.add_gateway({.nat = find_nat_kind(around.nat).value(), .uplink = link()});
      options.link = {};
    }
    return internet_.add_host(options);
  }
  [[nodiscard]] MemberNode::Options member(const char* name, std::uint64_t number,
                                           bool relayed_only = false) const {
    return {.bootstrap = bootstrap_,
            .hostname = name,
            .seed = derived_seed(seed_, "member", number),
            .relayed_only = relayed_only};
  }

  const Failure& failure_;
  const std::uint64_t seed_;
  EventQueue queue_{kWallStart};
  Internet internet_{queue_, seed_};
  SimMesh mesh_{seed_};
  SimHost door_host_{queue_, internet_, internet_.add_host({}), "door"};
  SimHost other_door_host_{queue_, internet_, internet_.add_host({}), "other door"};
  SimHost helper_host_{queue_, internet_, internet_.add_host({.link = link()}), "helper"};
  SimHost left_host_{queue_, internet_, settle(failure_.left), "left"};
  SimHost right_host_{queue_, internet_, settle(failure_.right), "right"};
  std::vector<Endpoint> bootstrap_ = endpoints();
  DhtNode door_{door_host_, {{}, failure_.stun, 1}};
  DhtNode other_door_{other_door_host_, {{bootstrap_.front()}, failure_.stun, 2}};
  MemberNode helper_{helper_host_, mesh_, member("helper", 1)};
  MemberNode left_{left_host_, mesh_, member("left", 2, failure_.left.relayed_only)};
  MemberNode right_{right_host_, mesh_, member("right", 3, failure_.right.relayed_only)};

  [[nodiscard]] std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> endpoints;
    for (const SimHost* host : {&door_host_, &other_door_host_}) {
      for (const HostAddress& own : internet_.addresses(host->id())) {
        endpoints.push_back({own.prefix.address, kDhtPort});
      }
    }
    return endpoints;
  }
};

constexpr Around kRandom{.nat = "symmetric-random"};
constexpr Around kHome{.nat = "port-restricted"};
constexpr Around kPublic{};
constexpr Around kPublicIpv6{.families = Families::kIpv6};

const Failure kFailures[] = {
    {.name = "BothNatsGiveRandomPorts",
     .left = kRandom,
     .right = kRandom,
     .asked_after = 10s,
     .left_says = {Reason::kBothNatsStrict},
     .right_says = {Reason::kBothNatsStrict}},
    {.name = "OneGivesAPortForEachAddress",
     .left = {.nat = "address-symmetric"},
     .right = kRandom,
     .asked_after = 10s,
     .left_says = {Reason::kBothNatsStrict},
     .right_says = {Reason::kBothNatsStrict}},
    {.name = "BothNatsGiveRandomPortsAndNobodyRelays",
     .left = kRandom,
     .right = kRandom,
     .helper = false,
     .asked_after = 30s,
     .left_says = {Reason::kBothNatsStrict, Reason::kNoRelay},
     .right_says = {Reason::kBothNatsStrict, Reason::kNoRelay}},
    {.name = "TheRelayDies",
     .left = kRandom,
     .right = kRandom,
     .mishap = Mishap::kHelperDies,
     .asked_after = 30s,
     .left_says = {Reason::kBothNatsStrict, Reason::kNoRelay},
     .right_says = {Reason::kBothNatsStrict, Reason::kNoRelay}},
    {.name = "OneNatGivesRandomPorts",
     .left = kRandom,
     .right = kHome,
     .asked_after = 2500ms,
     .left_says = {Reason::kOwnNatStrict},
     .right_says = {Reason::kPeerNatStrict},
     .succeeds = true},
    {.name = "NoFamilyInCommon",
     .left = kPublic,
     .right = kPublicIpv6,
     .asked_after = 10s,
     .left_says = {Reason::kNoCommonFamily},
     .right_says = {Reason::kNoCommonFamily}},
    {.name = "NoFamilyInCommonAndNobodyRelays",
     .left = kPublic,
     .right = kPublicIpv6,
     .helper = false,
     .asked_after = 30s,
     .left_says = {Reason::kNoCommonFamily},
     .right_says = {Reason::kNoCommonFamily}},
    {.name = "AnOperatorWantsRelays",
     .left = {.nat = "port-restricted", .relayed_only = true},
     .right = kHome,
     .asked_after = 10s,
     .left_says = {Reason::kOperatorHere},
     .right_says = {Reason::kOperatorThere}},
    {.name = "AnOperatorWantsRelaysAndThereIsNone",
     .left = {.nat = "port-restricted", .relayed_only = true},
     .right = kHome,
     .helper = false,
     .asked_after = 30s,
     .left_says = {Reason::kOperatorHere, Reason::kNoRelay},
     .right_says = {Reason::kOperatorThere, Reason::kNoRelay}},
    {.name = "TheOtherIsDead",
     .left = kHome,
     .right = kHome,
     .mishap = Mishap::kRightDies,
     .asked_after = 2min,
     .left_says = {Reason::kUnanswered}},
    {.name = "TheOtherWasADeadRandomOne",
     .left = kHome,
     .right = kRandom,
     .mishap = Mishap::kRightDies,
     .asked_after = 2min,
     .left_says = {Reason::kUnanswered}},
    {.name = "TheOtherIsLongDead",
     .left = kHome,
     .right = kHome,
     .mishap = Mishap::kRightDies,
     .asked_after = 150min,
     .left_says = {Reason::kPeerGone}},
    {.name = "TheOtherIsCutOff",
     .left = kHome,
     .right = kPublic,
     .mishap = Mishap::kRightIsCutOff,
     .asked_after = 2min,
     .left_says = {Reason::kUnanswered},
     .right_says = {Reason::kUnanswered}},
    {.name = "SomethingBlocksTheWayBetween",
     .left = kHome,
     .right = kHome,
     .mishap = Mishap::kWayIsCut,
     .asked_after = 15s,
     .left_says = {Reason::kBlockedBetween},
     .right_says = {Reason::kBlockedBetween}},
    {.name = "SomethingBlocksTheWayBetweenPublicHosts",
     .left = kPublic,
     .right = kPublic,
     .mishap = Mishap::kWayIsCut,
     .asked_after = 15s,
     .left_says = {Reason::kBlockedBetween},
     .right_says = {Reason::kBlockedBetween}},
    {.name = "NobodyTellsWhatTheNatsAre",
     .left = kRandom,
     .right = kRandom,
     .stun = false,
     .asked_after = 10s,
     .left_says = {Reason::kNatUnknown},
     .right_says = {Reason::kNatUnknown}},
};

class WhyTruth : public ::testing::TestWithParam<Failure> {
 protected:
  void judge(const std::optional<node::Explanation>& said, const std::set<Reason>& truth,
             std::string_view who) {
    if (truth.empty()) return;
    ++asked_;
    const bool lucky = said && GetParam().succeeds &&
                       (said->reason == Reason::kChosen || said->reason == Reason::kHandshake);
    if (said && (lucky || truth.contains(said->reason))) {
      ++right_;
    } else {
      wrong_ += fmt::format("{}: {}\n", who, said ? said->state + ": " + said->cause : "unknown");
    }
  }
  std::size_t asked_ = 0, right_ = 0;
  std::string wrong_;
};

TEST_P(WhyTruth, IsNamed) {
  const Failure& failure = GetParam();
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Failing world(failure, seed);
    judge(world.left_says(), failure.left_says, fmt::format("seed {}, left", seed));
    if (!failure.right_says.empty()) {
      judge(world.right_says(), failure.right_says, fmt::format("seed {}, right", seed));
    }
  }
  EXPECT_GE(static_cast<double>(right_), kRightShare * static_cast<double>(asked_))
      << right_ << " of " << asked_ << "\n"
      << wrong_;
}

INSTANTIATE_TEST_SUITE_P(Failures, WhyTruth, ::testing::ValuesIn(kFailures),
                         [](const auto& failure) { return std::string(failure.param.name); });

}  // namespace
}  // namespace kadwire::testnet
