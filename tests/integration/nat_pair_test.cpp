/// Two real members behind real NATs: a tunnel both ways, direct where it has to be, and how it
/// comes back after what a network does to it. A bounded part of `kadwire-lab matrix`.

#include "tools/lab/nat_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include "tests/integration/mesh_fixture.h"
#include "tools/lab/trouble.h"
#include "tools/lab/upgrade.h"
#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

/// From a cold start to the first ping. Typical are 0.5 to 1 s; a busy machine may take longer.
constexpr auto kFirstPingMax = 10s * kSlowdown;
/// Between a look at the path and what the daemon's own look at WireGuard has to say of it.
constexpr auto kReportTime = 3s;

class NatPairTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto obstacle = lab_obstacle()) GTEST_SKIP() << *obstacle;
  }

  void TearDown() override {
    if (HasFailure() && pair_) std::cerr << pair_->lab->logs();
  }

  NatPair& build(PairOptions options) {
    pair_.reset();  // one lab at a time
    options.log_level = "debug";
    pair_ = must(build_pair(options));
    return *pair_;
  }
  NatPair& build(const std::string& first, const std::string& second, unsigned helpers = 0) {
    return build({.first = find_surroundings(first),
                  .second = find_surroundings(second),
                  .helpers = helpers});
  }

  /// Starts the second; the test goes on with a tunnel, or ends.
  PairRun connect(NatPair& pair) {
    const PairRun run = must(measure_pair(pair));
    if (!run.first_ping) throw std::runtime_error("no tunnel");
    return run;
  }

  /// Whether each answers the other's pings over both of the mesh's families.
  static bool answers_both_ways(const NatPair& pair) {
    const auto second = pair.second->addresses();
    if (!second || !second->ipv4 || !pair.first_addresses.ipv4) return false;
    PingBoard board(kPairPingInterval);
    const Host& first_host = pair.first->host();
    const Host& second_host = pair.second->host();
    for (const IpAddress& to : {second->ipv6, *second->ipv4}) {
      must(board.add(first_host, to, PingBoard::Until::kFirstReply));
    }
    for (const IpAddress& to : {pair.first_addresses.ipv6, *pair.first_addresses.ipv4}) {
      must(board.add(second_host, to, PingBoard::Until::kFirstReply));
    }
    return board.run_until([&] { return board.all_answered(); }, kReportTime);
  }

 private:
  std::optional<NatPair> pair_;
};

struct PairCase {
  const char* first;
  const char* second;
};
void PrintTo(const PairCase& pair, std::ostream* out) {
  *out << pair.first << " and " << pair.second;
}

class NatPairOf : public NatPairTest, public ::testing::WithParamInterface<PairCase> {};

TEST_P(NatPairOf, GetATunnelBothWaysAndItIsDirect) {
  const auto [first, second] = GetParam();
  NatPair& pair = build(first, second);
  const PairRun run = connect(pair);
  EXPECT_TRUE(answers_both_ways(pair));
  EXPECT_EQ(run.path, "direct");
  EXPECT_LT(*run.first_ping, kFirstPingMax);
  std::cout << "first ping after " << to_milliseconds(*run.first_ping) << " ms\n";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, NatPairOf,
    ::testing::Values(PairCase{"port-restricted", "port-restricted"},
                      PairCase{"full-cone", "symmetric-random"},
                      PairCase{"port-restricted", "hash"}, PairCase{"fixed-port", "fixed-port"},
                      PairCase{"ipv6-only", "ipv6-only"}, PairCase{"public", "symmetric-random"},
                      PairCase{"host-firewall", "port-restricted"},
                      PairCase{"cgnat", "address-restricted"}),
    [](const auto& parameters) {
      std::string name = std::string(parameters.param.first) + "_and_" + parameters.param.second;
      std::ranges::replace(name, '-', '_');
      return name;
    });

class NatRecovery : public NatPairTest {
 protected:
  /// Lets it happen to two members: they are silent for no longer than kadwire promises. Load only
  /// adds to that, so if it did, another two may try, once.
  Recovery expect_recovery(const char* name) {
    const Trouble& trouble = *find_trouble(name);
    Recovery recovery;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      recovery = must(measure_recovery(build(pair_for(trouble, {})), trouble));
      std::cout << "silent for " << to_milliseconds(recovery.silence) << " ms\n";
      if (recovery.silence <= trouble.limit) break;
    }
    EXPECT_LE(recovery.silence, trouble.limit);
    return recovery;
  }

 private:
  static constexpr int kAttempts = 2;
};

TEST_F(NatRecovery, ComesAfterAChangeOfThePublicSidesAddress) {
  expect_recovery("address-public");
}

TEST_F(NatRecovery, ComesAfterAChangeOfAnAddressBehindANat) {
  expect_recovery("address-private");
}

TEST_F(NatRecovery, ComesAfterASleepInWhichTheAddressChanged) {
  expect_recovery("wake-address");
}

TEST_F(NatRecovery, ComesAfterANatForgotItsMappingsAndBothSend) {
  expect_recovery("nat-both");
}

TEST_F(NatRecovery, ComesAfterANatForgotItsMappingsAndMapsAnew) {
  expect_recovery("nat-remaps");
}

/// Nobody can tell the side behind the NAT. It notices by itself that what came has stopped, and
/// its ping opens the NAT again.
TEST_F(NatRecovery, ComesAfterTheNatOfASideThatOnlyAnswersForgotItsMappings) {
  expect_recovery("nat-answers");
}

TEST_F(NatRecovery, ComesAfterTheNatOfASideThatOnlyAnswersForgotItsMappingsAndAThirdCanTellIt) {
  expect_recovery("nat-answers-helped");
}

TEST_F(NatRecovery, ComesByTheRelayInReserveAfterTheOneInUseWasKilled) {
  EXPECT_EQ(expect_recovery("relay-killed").path, "relayed");
}

/// The path in use; IPv4 is left.
TEST_F(NatRecovery, ComesAfterTheIpv6PathDiedSilently) {
  expect_recovery("ipv6-dies");
}

/// The first calls the helper from a port that the helper has not sent to: so the helper knows that
/// it is reachable, and offers to relay.
TEST_F(NatRecovery, ComesByARelayAfterTheOnlyDirectPathDiedSilently) {
  EXPECT_EQ(expect_recovery("path-dies").path, "relayed");
}

/// Make before break: WireGuard goes on through the relay until both can use the direct path.
TEST_F(NatPairTest, MovesFromARelayToADirectPathWithoutALostPing) {
  NatPair& pair = build("public", "public", 1);
  auto partition = must(Partition::between(pair.first->host(), pair.second->host()));
  must(pair.second->start());
  std::vector<PartedPair> parted;
  parted.push_back({pair.first, pair.second, std::move(partition)});
  const Upgrade upgrade = must(measure_upgrades(parted)).front();
  EXPECT_TRUE(upgrade.direct);
  EXPECT_GT(upgrade.sent, 100U);
  EXPECT_EQ(upgrade.lost, 0U);
  std::cout << "silent for " << to_milliseconds(upgrade.silence) << " ms at most\n";
}

/// The first behind a NAT with random ports, the second behind a strict one, and a helper who knows
/// both: they meet where chance has it (rendezvous/port_spray.h).
class NatLuck : public NatPairTest {
 protected:
  /// Of a hundred pairs one or two have no luck: another one gets the chance then.
  NatPair& connect_directly() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      NatPair& pair = build("symmetric-random", "port-restricted", 1);
      const PairRun run = connect(pair);
      if (!run.direct) continue;
      std::cout << "first ping after " << to_milliseconds(*run.first_ping) << " ms, direct after "
                << to_milliseconds(*run.direct) << " ms\n";
      return pair;
    }
    throw std::runtime_error("no luck");
  }
  static bool is_tied(const NatPair& pair) {
    const Host& host = pair.first->host();
    return host
        .run({"sh", "-c", "nft list table ip kadwire-kadwire0 2>/dev/null | grep -q 'sport set'"})
        .has_value();
  }
  static bool has_table(const NatPair& pair) {
    return pair.first->host().run({"sh", "-c", "nft list tables | grep -q kadwire"}).has_value();
  }
  /// The most that passed between two answers to the second's pings, in three seconds.
  static Duration silence(NatPair& pair) {
    PingBoard board(kPairPingInterval);
    const auto flow =
        must(board.add(pair.second->host(), pair.first_addresses.ipv6, PingBoard::Until::kForever));
    board.run(3s);
    return board.longest_silence(flow);
  }

 private:
  static constexpr int kAttempts = 3;
};

TEST_F(NatLuck, GetsADirectTunnelAndLeavesNoTableBehind) {
  NatPair& pair = connect_directly();
  EXPECT_TRUE(answers_both_ways(pair));
  EXPECT_TRUE(is_tied(pair));
  EXPECT_LT(silence(pair), 1s * kSlowdown);
  pair.first->stop();
  EXPECT_FALSE(has_table(pair));
}

TEST_F(NatLuck, OutlivesADaemonThatIsKilledAndIsCleanedUpByTheNext) {
  NatPair& pair = connect_directly();
  pair.first->crash();
  EXPECT_TRUE(is_tied(pair));
  EXPECT_LT(silence(pair), 1s * kSlowdown);
  must(pair.first->start());
  PingBoard clock;
  clock.run_until([&] { return pair.first->addresses().has_value(); }, 10s);
  EXPECT_FALSE(is_tied(pair));
  clock.run(kReportTime);
  EXPECT_TRUE(answers_both_ways(pair)) << "by the helper";
}

}  // namespace
}  // namespace kadwire::lab
