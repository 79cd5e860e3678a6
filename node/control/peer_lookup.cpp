#include "node/control/peer_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "node/control/text.h"

namespace kadwire::control {
namespace {

/// Longer texts name nothing: a NodeId has 64 digits and a hostname at most 63 bytes.
constexpr std::size_t kPeerTextBytesMax = 64;
/// Enough to choose from; a line should stay a line.
constexpr std::size_t kCandidatesShownMax = 5;

using Matches = std::vector<const node::PeerView*>;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
  });
  return lower;
}

template <typename Predicate>
Matches peers_that(std::span<const node::PeerView> peers, Predicate fits) {
  Matches matches;
  for (const node::PeerView& peer : peers) {
    if (fits(peer)) matches.push_back(&peer);
  }
  return matches;
}

Matches best_matches(std::span<const node::PeerView> peers, const std::string& wanted) {
  const auto address = IpAddress::parse(wanted);
  Matches matches = peers_that(peers, [&](const node::PeerView& peer) {
    const bool is_its_address = address && (peer.ipv6 == address || peer.ipv4 == address);
    return is_its_address || peer.node.to_hex() == wanted || peer.node.short_form() == wanted;
  });
  if (!matches.empty()) return matches;
  matches = peers_that(
      peers, [&](const node::PeerView& peer) { return lower_case(peer.hostname) == wanted; });
  if (!matches.empty()) return matches;
  return peers_that(peers, [&](const node::PeerView& peer) {
    return peer.node.to_hex().starts_with(wanted) || peer.node.short_form().starts_with(wanted);
  });
}

bool names_own(const node::NodeView& own, const std::string& wanted) {
  node::PeerView self;
  self.node = own.node;
  self.hostname = own.hostname;
  self.ipv4 = own.ipv4;
  self.ipv6 = own.ipv6;
  return !best_matches(std::span(&self, 1), wanted).empty();
}

std::string describe_candidates(const Matches& matches) {
  std::string list;
  for (std::size_t i = 0; i < std::min(matches.size(), kCandidatesShownMax); ++i) {
    list += fmt::format("{}{} ({})", i == 0 ? "" : ", ", matches[i]->node.short_form(),
                        printable(matches[i]->hostname));
  }
  return matches.size() > kCandidatesShownMax ? list + ", …" : list;
}

}  // namespace

tl::expected<const node::PeerView*, Failure> find_peer(std::span<const node::PeerView> peers,
                                                       std::string_view text,
                                                       const node::NodeView* own) {
  if (text.empty())
    return tl::unexpected(Failure{"name a peer: NodeId, its beginning, hostname, or mesh address"});
  if (text.size() > kPeerTextBytesMax) {
    return tl::unexpected(Failure{"that is too long for a NodeId or a hostname"});
  }
  const Matches matches = best_matches(peers, lower_case(text));
  if (matches.empty() && own != nullptr && names_own(*own, lower_case(text))) {
    return tl::unexpected(Failure{fmt::format("'{}' is this node itself", printable(text))});
  }
  if (matches.empty()) {
    return tl::unexpected(Failure{fmt::format("no peer matches '{}'", printable(text))});
  }
  if (matches.size() > 1) {
    return tl::unexpected(
        Failure{fmt::format("'{}' fits {} peers: {}; give more of the NodeId", printable(text),
                            matches.size(), describe_candidates(matches))});
  }
  return matches.front();
}

}  // namespace kadwire::control
