#include "tools/testnet/nodes/record_forger.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "tools/testnet/nodes/hostile_directory.h"
#include "tools/testnet/nodes/member_node.h"

namespace kadwire::testnet {
namespace {

// Where a record has what (rendezvous/peer_record.h).
constexpr std::size_t kFlagsAt = 1;
constexpr std::size_t kNodeIdAt = 2;
constexpr std::size_t kSigningKeyAt = kNodeIdAt + 32;
constexpr std::size_t kSequenceAt = kSigningKeyAt + 32 + 64;
constexpr std::size_t kSignatureBytes = 64;
/// Tricks that are played in turn.
constexpr std::size_t kTricks = 5;
/// A lease held since long before there was kadwire.
constexpr WallTime kSinceEver{std::chrono::milliseconds{946'684'800'000}};  // 2000-01-01
/// Of a victim's endpoints, those that a false record repeats; invented ones fill the rest.
constexpr std::size_t kBorrowedEndpoints = 4;

void overwrite(Bytes& bytes, std::size_t at, ByteView with) {
  std::ranges::copy(with, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

RecordForger::RecordForger(Now now, const SimMesh& mesh, RandomSource& random,
                           std::function<void(const crypto::WireguardKey&)> on_key)
    : RecordAbuser(now, mesh, random, kForgePause),
      on_key_(std::move(on_key)),
      self_(crypto::NodeIdentity::generate(random)) {
  disown(self_.node_id());
  on_key_(self_.wireguard_key());
}

void RecordForger::act(Now now) {
  if (victims().empty()) return;
  const rendezvous::SignedRecord& victim = victims()[turn_ / kTricks % victims().size()];
  const Hour hour = hour_of(now.wall);
  switch (turn_++ % kTricks) {
    case 0:
      return put(altered_copy(victim), hour);
    case 1:
      return put(in_its_name(now, victim, false), hour);
    case 2:
      return put(in_its_name(now, victim, true), hour);
    case 3:
      return put(with_its_key(now, victim), hour);
    default:
      if (const auto record = stolen_lease(now, victim)) put(*record, hour);
  }
}

/// The victim's own record, newer, withdrawn or with other candidates, under its old signature.
Bytes RecordForger::altered_copy(const rendezvous::SignedRecord& victim) {
  Bytes copy = victim.encoded;
  const std::array<std::size_t, 3> places{kFlagsAt, kSequenceAt, copy.size() - kSignatureBytes - 1};
  copy[places[random_below(random(), places.size())]] ^= std::byte{1};
  return copy;
}

/// A record of the forger's that names the victim, signed by the forger.
Bytes RecordForger::in_its_name(Now now, const rendezvous::SignedRecord& victim, bool tombstone) {
  rendezvous::PeerRecord record = blank_record(now);
  record.sequence = std::numeric_limits<std::int64_t>::max();
  record.tombstone = tombstone;
  if (!tombstone) add_endpoints(record, victim.record);
  Bytes encoded =
      rendezvous::sign_record(std::move(record), self_, mesh().keys().mesh_id()).encoded;
  overwrite(encoded, kNodeIdAt, victim.record.node.bytes);
  sign_again(encoded);
  return encoded;
}

/// A record of the forger's own that says the victim's WireGuard key is its own.
Bytes RecordForger::with_its_key(Now now, const rendezvous::SignedRecord& victim) {
  Bytes encoded =
      rendezvous::sign_record(blank_record(now), self_, mesh().keys().mesh_id()).encoded;
  const ByteView key_and_cross_signature =
      ByteView(victim.encoded).subspan(kSigningKeyAt, kSequenceAt - kSigningKeyAt);
  overwrite(encoded, kSigningKeyAt, key_and_cross_signature);
  sign_again(encoded);
  return encoded;
}

/// A valid record of a member that claims the victim's IPv4 address, and to have had it first.
std::optional<Bytes> RecordForger::stolen_lease(Now now, const rendezvous::SignedRecord& victim) {
  if (!thieves_.contains(victim.record.node)) grind(victim.record);
  const auto thief = thieves_.find(victim.record.node);
  if (thief == thieves_.end()) return std::nullopt;
  rendezvous::PeerRecord record = blank_record(now);
  record.lease_nonce = thief->second.nonce;
  record.lease_since = kSinceEver;
  record.hostname = victim.record.hostname;
  add_endpoints(record, victim.record);
  return rendezvous::sign_record(std::move(record), thief->second.identity, mesh().keys().mesh_id())
      .encoded;
}

void RecordForger::grind(const rendezvous::PeerRecord& victim) {
  if (thieves_.size() >= kThievesMax) return;
  const auto lease = [&](const crypto::NodeId& node, unsigned nonce) {
    return crypto::mesh_ipv4_lease(mesh().keys(), mesh().ipv4_network(), node,
                                   static_cast<std::uint8_t>(nonce));
  };
  const IpAddress wanted = lease(victim.node, victim.lease_nonce);
  for (std::size_t i = 0; i < kGroundIdentities; ++i) {
    auto identity = crypto::NodeIdentity::generate(random());
    for (unsigned nonce = 0; nonce < node::kLeaseNonces; ++nonce) {
      if (lease(identity.node_id(), nonce) != wanted) continue;
      disown(identity.node_id());
      on_key_(identity.wireguard_key());
      thieves_.emplace(victim.node, Thief{std::move(identity), static_cast<std::uint8_t>(nonce)});
      return;
    }
  }
}

/// Some of the victim's, and some that nobody has: whoever dials them pesters others.
void RecordForger::add_endpoints(rendezvous::PeerRecord& record,
                                 const rendezvous::PeerRecord& victim) {
  const std::size_t borrowed = std::min(victim.candidates.size(), kBorrowedEndpoints);
  record.candidates.assign(victim.candidates.begin(),
                           victim.candidates.begin() + static_cast<std::ptrdiff_t>(borrowed));
  for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    record.candidates.push_back(
        {rendezvous::CandidateKind::kHost, {unassigned_address(family, random()), kWireguardPort}});
  }
}

void RecordForger::sign_again(Bytes& encoded) const {
  const std::size_t body = encoded.size() - kSignatureBytes;
  const crypto::Signature signature =
      self_.sign(rendezvous::kRecordDomain, mesh().keys().mesh_id(), ByteView(encoded).first(body));
  overwrite(encoded, body, signature);
}

}  // namespace kadwire::testnet
