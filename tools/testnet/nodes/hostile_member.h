#pragma once

/// Hostile members, as the roles of a scenario: they hold the secret. It admits them, and lets them
/// seal and sign as themselves; what it must not let them do is speak for others.

#include <functional>

#include "tools/testnet/nodes/hostile_node.h"
#include "tools/testnet/nodes/record_abuser.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Told of every WireGuard key that a hostile member makes: peers of these keys are no surprise.
using KeyListener = std::function<void(const crypto::WireguardKey& key)>;

/// Ten members' old records come round in twenty seconds, where they themselves put theirs every
/// five minutes. Every value stays for ten minutes, and a newcomer asks for each of them.
inline constexpr auto kReplayPause = 2s;
/// Five new members a second: one host's signatures and puts, without strain.
inline constexpr auto kInventPause = 200ms;
/// A tenth of what a member's table holds (node::kPeersMax): room is left for the honest. More than
/// the table holds shuts newcomers out, which nothing in this version prevents.
inline constexpr std::size_t kInventedMembersMax = 100;

/// Puts the first record it heard of each node again and again, also under the hours beside.
class Replayer final : public RecordAbuser {
 public:
  Replayer(Now now, const SimMesh& mesh, RandomSource& random)
      : RecordAbuser(now, mesh, random, kReplayPause) {}

 private:
  void act(Now now) override;
  std::size_t turn_ = 0;
};

/// Invents member after member, each with a valid record.
class RecordFlooder final : public RecordAbuser {
 public:
  RecordFlooder(Now now, const SimMesh& mesh, RandomSource& random, KeyListener on_key)
      : RecordAbuser(now, mesh, random, kInventPause), on_key_(std::move(on_key)) {}

 private:
  void act(Now now) override;
  KeyListener on_key_;
  std::size_t invented_ = 0;
};

/// `role` is kReplayer, kForger or kRecordFlooder. `host` and `mesh` outlive the program.
[[nodiscard]] std::unique_ptr<Program> make_hostile_member(Role role, SimHost& host,
                                                           std::vector<Endpoint> bootstrap,
                                                           std::uint64_t seed, const SimMesh& mesh,
                                                           KeyListener on_key);

}  // namespace kadwire::testnet
