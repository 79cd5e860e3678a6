#include "tools/testnet/nodes/member_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kadwire::testnet {

MemberWatch::MemberWatch(MemberNode& member, MeshTruth& truth) : member_(member), truth_(truth) {
  member.set_change_observer([this](const node::PeerChange& change) { on_change(change); });
}

void MemberWatch::on_change(const node::PeerChange& change) {
  if (const auto* removal = std::get_if<node::RemovePeer>(&change)) {
    check_loss(removal->key, "removed");
  } else if (const auto* renewal = std::get_if<node::RenewPeer>(&change)) {
    check_loss(renewal->config.key, "renewed");
    check_claim(renewal->config);
  } else {
    check_claim(std::get<node::SetPeer>(change).config);
  }
}

void MemberWatch::check_claim(const node::PeerConfig& config) {
  const MemberNode* owner = truth_.owner(config.key);
  if (owner == nullptr && !truth_.is_hostile(config.key)) {
    violate(fmt::format("a peer was set whose key {} nobody made", config.key.to_base64()));
  }
  for (const Prefix& prefix : config.allowed_ips) check_claim(config.key, owner, prefix);
}

void MemberWatch::check_claim(const crypto::WireguardKey& key, const MemberNode* owner,
                              const Prefix& prefix) {
  const IpAddress& address = prefix.address;
  const bool one_host = prefix == Prefix::of_host(address);
  const bool may_have = owner != nullptr  ? truth_.may_have(*owner, address)
                        : address.is_v4() ? truth_.ipv4_network().contains(address)
                                          : !truth_.is_honest_ipv6(address);
  if (one_host && may_have) return;
  violate(fmt::format("the peer {} was given {}, which is not its own", key.to_base64(),
                      prefix.to_string()));
}

/// Of a peer that left there may be data, and a withdrawal right behind it.
void MemberWatch::check_loss(const crypto::WireguardKey& key, std::string_view what) {
  const MemberNode* owner = truth_.owner(key);
  if (owner == nullptr || !owner->running() || owner->withdrew_lately()) return;
  const auto heard = member_.device().heard_at(key);
  if (!heard) return;
  const Duration ago = member_.host().age(*heard);
  if (ago >= kLiveData) return;
  violate(fmt::format("the peer {} was {}, {} ms after data of its had come", key.to_base64(), what,
                      std::chrono::floor<std::chrono::milliseconds>(ago).count()));
}

std::optional<std::string> overfull(std::span<const node::TableFill> tables) {
  const auto over = std::ranges::find_if(
      tables, [](const node::TableFill& each) { return each.size > each.bound; });
  if (over == tables.end()) return std::nullopt;
  return fmt::format("{} {}, where {} may be", over->size, over->table, over->bound);
}

void MemberWatch::look() {
  const std::size_t peers = member_.device().peer_count();
  if (peers > node::kPeersMax) violate(fmt::format("the device has {} peers", peers));
  for (const Prefix& own : member_.device().addresses()) {
    if (!truth_.may_have(member_, own.address)) {
      violate(fmt::format("the interface was given {}, which is not its own", own.to_string()));
    }
  }
  if (const auto over = overfull(member_.tables())) violate(*over);
  if (!member_.running()) return;
  const std::uint64_t stored = member_.dht_stats().stored_bytes;
  if (stored > dht::kStoreBytesDefault) violate(fmt::format("{} bytes of values stored", stored));
}

void MemberWatch::violate(std::string text) {
  if (!violation_) violation_ = std::move(text);
}

}  // namespace kadwire::testnet
