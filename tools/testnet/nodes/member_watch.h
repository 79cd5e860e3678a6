#pragma once

/// Watches one honest member for what must never happen to it, whoever else is about:
///   - its device is told of a key that nobody made, or of an address that is not its owner's to
///     have: a claim was applied that the owner did not sign;
///   - a peer whose data came through just now is removed or renewed, while its owner runs on;
///   - a table of its grows beyond its bound.
/// Not here: overlapping addresses, timers, sizes of values (member_node.h).

#include <optional>
#include <span>
#include <string>

#include "tools/testnet/nodes/mesh_truth.h"

namespace kadwire::testnet {

/// Data that came within this time is live: longer than the passive keepalive's 10 s, after which
/// whoever received a packet answers.
inline constexpr auto kLiveData = 15s;

/// The first table beyond its bound, in words; nullopt: none is.
[[nodiscard]] std::optional<std::string> overfull(std::span<const node::TableFill> tables);

class MemberWatch {
 public:
  /// Both outlive the watch, which takes over the member's change observer.
  MemberWatch(MemberNode& member, MeshTruth& truth);
  MemberWatch(const MemberWatch&) = delete;
  MemberWatch& operator=(const MemberWatch&) = delete;

  /// Looks at what is dearer to look at than after every event.
  void look();
  /// The first rule that was broken, in one sentence; nullopt: none.
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

 private:
  void on_change(const node::PeerChange& change);
  void check_claim(const node::PeerConfig& config);
  void check_claim(const crypto::WireguardKey& key, const MemberNode* owner, const Prefix& prefix);
  void check_loss(const crypto::WireguardKey& key, std::string_view what);
  void violate(std::string text);

  MemberNode& member_;
  MeshTruth& truth_;
  std::optional<std::string> violation_;
};

}  // namespace kadwire::testnet
