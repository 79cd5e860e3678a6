#include "rendezvous/candidate.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace kadwire::rendezvous {
namespace {

/// Of kCandidatesMax places, how many stay free for the other family if it has anything to offer: a
/// host with a dozen IPv6 addresses must not become invisible to those that only have IPv4.
constexpr std::size_t kOtherFamilyPlaces = 2;

/// The blocks in which an address means nothing outside its site: the same that
/// IpAddress::is_private() names.
const std::array<Prefix, 5>& private_ranges() {
  static const std::array<Prefix, 5> ranges = {
      *Prefix::parse("10.0.0.0/8"), *Prefix::parse("172.16.0.0/12"),
      *Prefix::parse("192.168.0.0/16"), *Prefix::parse("100.64.0.0/10"),
      *Prefix::parse("fc00::/7")};
  return ranges;
}

bool is_usable(const LocalAddress& local, std::span<const Prefix> mesh_networks) {
  return is_unicast_beyond_link(local.prefix.address) && !local.tentative &&
         !inside_any(local.prefix.address, mesh_networks);
}

/// Lower is published first. A stable address outlives a temporary one, so it comes before it.
int publish_rank(const LocalAddress& local) {
  const IpAddress& address = local.prefix.address;
  const int scope = local.bridge ? 2 : address.is_private() ? 1 : 0;
  return scope * 4 + (address.is_v4() ? 2 : 0) + (local.temporary ? 1 : 0);
}

/// Made of the network card's own number (RFC 4291, Appendix A): ff:fe in the middle of the
/// interface id, and the universal bit set.
bool is_eui64(const IpAddress& address) {
  if (address.is_v4()) return false;
  const ByteView bytes = address.bytes();
  return bytes[11] == std::byte{0xff} && bytes[12] == std::byte{0xfe} &&
         (bytes[8] & std::byte{0x02}) != std::byte{0};
}

bool is_global_ipv6(const IpAddress& address) {
  return address.is_v6() && is_unicast_beyond_link(address) && !address.is_private();
}

/// Cuts to kCandidatesMax from the end, except that the last of a family's kOtherFamilyPlaces stay.
void cut_to_maximum(std::vector<Candidate>& candidates) {
  while (candidates.size() > kCandidatesMax) {
    const auto count_of = [&](const Candidate& candidate) {
      return std::ranges::count(candidates, candidate.endpoint.address.family(),
                                [](const Candidate& c) { return c.endpoint.address.family(); });
    };
    const auto expendable =
        std::find_if(candidates.rbegin(), candidates.rend(), [&](const Candidate& candidate) {
          return static_cast<std::size_t>(count_of(candidate)) > kOtherFamilyPlaces;
        });
    candidates.erase(std::next(expendable).base());
  }
}

void append_once(std::vector<Candidate>& candidates, const Candidate& candidate) {
  const bool known = std::ranges::any_of(
      candidates, [&](const Candidate& other) { return other.endpoint == candidate.endpoint; });
  if (!known) candidates.push_back(candidate);
}

/// The all-hosts address of an own IPv4 network, or its all-zeroes form: a datagram there reaches
/// many. /31 and /32 have neither (RFC 3021).
bool is_directed_broadcast(const IpAddress& address, const Prefix& own) {
  if (address.is_v6() || own.length > 30 || !own.contains(address)) return false;
  const std::uint32_t host_mask = 0xffffffffU >> own.length;
  const std::uint32_t host = address.v4_value() & host_mask;
  return own.length > 0 && (host == 0 || host == host_mask);
}

/// Whether a private address can mean the claimer here: some own interface is in the same private
/// range. A bridge vouches only for its own network, or every container host would open 172.16/12.
bool is_private_within_reach(const IpAddress& address, std::span<const LocalAddress> own) {
  const auto range = std::ranges::find_if(
      private_ranges(), [&](const Prefix& candidate) { return candidate.contains(address); });
  assert(range != private_ranges().end() && "the caller asks about private addresses only");
  return std::ranges::any_of(own, [&](const LocalAddress& local) {
    if (local.bridge) return local.prefix.contains(address);
    return range->contains(local.prefix.address);
  });
}

std::vector<LocalAddress> usable_addresses(std::span<const LocalAddress> own,
                                           std::span<const Prefix> mesh_networks) {
  std::vector<LocalAddress> usable;
  for (const LocalAddress& local : own) {
    if (is_usable(local, mesh_networks)) usable.push_back(local);
  }
  return usable;
}

/// `own`: usable ones.
bool is_dialable_from(std::span<const LocalAddress> own, const Endpoint& endpoint,
                      std::span<const Prefix> mesh_networks) {
  const IpAddress& address = endpoint.address;
  if (endpoint.port == 0 || !is_unicast_beyond_link(address)) return false;
  if (inside_any(address, mesh_networks)) return false;
  bool family_present = false;
  for (const LocalAddress& local : own) {
    if (local.prefix.address == address || is_directed_broadcast(address, local.prefix)) {
      return false;
    }
    family_present |= local.prefix.address.family() == address.family();
  }
  return family_present && (!address.is_private() || is_private_within_reach(address, own));
}

/// Lower is tried first: what the operator said, then what is on an own link (no gateway between,
/// and no need of one that turns packets round), then the reach of publish_rank's scopes.
int dial_rank(const Candidate& candidate, std::span<const LocalAddress> own) {
  const IpAddress& address = candidate.endpoint.address;
  const int family = address.is_v4() ? 1 : 0;
  if (candidate.kind == CandidateKind::kStatic) return family;
  const auto link = std::ranges::find_if(
      own, [&](const LocalAddress& local) { return local.prefix.contains(address); });
  if (link != own.end()) return (link->bridge ? 8 : 2) + family;
  return (address.is_private() ? 6 : 4) + family;
}

}  // namespace

bool lost_address(std::span<const LocalAddress> before, std::span<const LocalAddress> after) {
  return std::ranges::any_of(before, [&](const LocalAddress& was) {
    const auto is_same = [&](const LocalAddress& now) {
      return now.prefix.address == was.prefix.address && !now.tentative;
    };
    return !was.tentative && std::ranges::none_of(after, is_same);
  });
}

bool is_unicast_beyond_link(const IpAddress& address) {
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         !address.is_link_local();
}

bool inside_any(const IpAddress& address, std::span<const Prefix> networks) {
  return std::ranges::any_of(networks,
                             [&](const Prefix& network) { return network.contains(address); });
}

std::vector<Candidate> host_candidates(std::span<const LocalAddress> addresses, std::uint16_t port,
                                       std::span<const Prefix> mesh_networks) {
  std::vector<LocalAddress> usable;
  for (const LocalAddress& local : addresses) {
    if (is_usable(local, mesh_networks) && !local.deprecated) usable.push_back(local);
  }
  std::ranges::stable_sort(usable, {}, publish_rank);
  std::vector<Candidate> candidates;
  for (const LocalAddress& local : usable) {
    append_once(candidates, {CandidateKind::kHost, {local.prefix.address, port}});
  }
  cut_to_maximum(candidates);
  return candidates;
}

std::vector<Candidate> without_card_numbers(std::vector<Candidate> candidates,
                                            std::span<const LocalAddress> own,
                                            std::span<const Prefix> mesh_networks) {
  const bool another = std::ranges::any_of(own, [&](const LocalAddress& local) {
    const IpAddress& address = local.prefix.address;
    return is_usable(local, mesh_networks) && !local.deprecated && !local.bridge &&
           is_global_ipv6(address) && !is_eui64(address);
  });
  if (!another) return candidates;
  std::erase_if(candidates, [](const Candidate& candidate) {
    const IpAddress& address = candidate.endpoint.address;
    return is_global_ipv6(address) && is_eui64(address);
  });
  return candidates;
}

std::vector<Candidate> published_candidates(std::span<const Candidate> hosts,
                                            std::span<const Candidate> learnt) {
  std::vector<Candidate> candidates;
  const auto append_hosts = [&](bool with_private) {
    for (const Candidate& host : hosts) {
      if (host.endpoint.address.is_private() == with_private) append_once(candidates, host);
    }
  };
  append_hosts(false);
  for (const Candidate& candidate : learnt) append_once(candidates, candidate);
  append_hosts(true);
  cut_to_maximum(candidates);
  return candidates;
}

bool is_dialable(const Endpoint& endpoint, std::span<const LocalAddress> own,
                 std::span<const Prefix> mesh_networks) {
  return is_dialable_from(usable_addresses(own, mesh_networks), endpoint, mesh_networks);
}

std::vector<Candidate> dialable_candidates(std::span<const Candidate> claimed,
                                           std::span<const LocalAddress> own,
                                           std::span<const Prefix> mesh_networks) {
  const std::vector<LocalAddress> usable = usable_addresses(own, mesh_networks);
  std::vector<Candidate> dialable;
  for (const Candidate& candidate : claimed) {
    if (is_dialable_from(usable, candidate.endpoint, mesh_networks))
      append_once(dialable, candidate);
  }
  std::ranges::stable_sort(dialable, {}, [&](const Candidate& c) { return dial_rank(c, usable); });
  cut_to_maximum(dialable);
  return dialable;
}

}  // namespace kadwire::rendezvous
