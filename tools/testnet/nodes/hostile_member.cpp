#include "tools/testnet/nodes/hostile_member.h"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <utility>

#include "tools/testnet/nodes/hostile_directory.h"
#include "tools/testnet/nodes/member_node.h"
#include "tools/testnet/nodes/record_forger.h"

namespace kadwire::testnet {

void Replayer::act(Now now) {
  if (victims().empty()) return;
  const std::size_t round = turn_ / victims().size();
  const rendezvous::SignedRecord& victim = victims()[turn_ % victims().size()];
  ++turn_;
  // Members listen under the hours beside only around the change of the hour: two rounds of four
  // are for the present.
  constexpr std::array<int, 4> kHours{0, -1, 0, 1};
  const auto hour = static_cast<std::int64_t>(hour_of(now.wall)) + kHours[round % kHours.size()];
  put(victim.encoded, static_cast<Hour>(hour));
}

void RecordFlooder::act(Now now) {
  if (invented_ >= kInventedMembersMax) return;
  const auto identity = crypto::NodeIdentity::generate(random());
  disown(identity.node_id());
  on_key_(identity.wireguard_key());
  rendezvous::PeerRecord record = blank_record(now);
  record.hostname = fmt::format("invented-{}", ++invented_);
  for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    record.candidates.push_back(
        {rendezvous::CandidateKind::kHost, {unassigned_address(family, random()), kWireguardPort}});
  }
  const auto signed_record =
      rendezvous::sign_record(std::move(record), identity, mesh().keys().mesh_id());
  put(signed_record.encoded, hour_of(now.wall));
}

namespace {

std::unique_ptr<DirectoryUser> make_user(Role role, Now now, const SimMesh& mesh,
                                         RandomSource& random, const KeyListener& on_key) {
  if (role == Role::kReplayer) return std::make_unique<Replayer>(now, mesh, random);
  if (role == Role::kForger) return std::make_unique<RecordForger>(now, mesh, random, on_key);
  assert(role == Role::kRecordFlooder);
  return std::make_unique<RecordFlooder>(now, mesh, random, on_key);
}

}  // namespace

std::unique_ptr<Program> make_hostile_member(Role role, SimHost& host,
                                             std::vector<Endpoint> bootstrap, std::uint64_t seed,
                                             const SimMesh& mesh, KeyListener on_key) {
  auto disguise = [role, &mesh, on_key = std::move(on_key)](HostileNode::Bare bare) {
    auto user = make_user(role, bare.now, mesh, bare.random, on_key);
    return std::unique_ptr<dht::Directory>(
        std::make_unique<UsedDirectory>(bare.now, std::move(bare.directory), std::move(user)));
  };
  return std::make_unique<HostileNode>(host, HostileNode::Options{std::move(bootstrap), seed},
                                       std::move(disguise));
}

}  // namespace kadwire::testnet
