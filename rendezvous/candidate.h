#pragma once

/// Where a node may be reached: a transport endpoint and how it was learnt (RFC 8445 §5.1.1 names
/// the kinds). Pure choices over candidates; no I/O.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

enum class CandidateKind : std::uint8_t {
  kHost = 1,             ///< an address of an own interface
  kServerReflexive = 2,  ///< what a STUN server saw
  kPeerReflexive = 3,    ///< what another member saw
  kMapped = 4,           ///< a port mapping obtained from a gateway
  kRelayed = 5,          ///< at a relay
  kStatic = 6,           ///< told by the operator
};

struct Candidate {
  CandidateKind kind = CandidateKind::kHost;
  Endpoint endpoint;
  auto operator<=>(const Candidate&) const = default;
};

/// What a record carries at most, and what a node ever sends to for one peer.
inline constexpr std::size_t kCandidatesMax = 8;

/// One address of an own interface, as the network monitor reports it.
struct LocalAddress {
  Prefix prefix;  ///< the address with its on-link prefix length
  std::string interface;
  bool deprecated = false;
  bool tentative = false;  ///< duplicate address detection still runs, or failed
  bool temporary = false;  ///< RFC 8981 privacy address
  bool bridge = false;     ///< a container's or virtual machine's bridge: tried last
  auto operator<=>(const LocalAddress&) const = default;
};

/// Whether an address that could be used before can be no more. One that is added, or whose
/// duplicate address detection ends, takes nothing away.
[[nodiscard]] bool lost_address(std::span<const LocalAddress> before,
                                std::span<const LocalAddress> after);

/// An address that can name one other host beyond this link: neither unspecified, loopback,
/// multicast nor link-local.
[[nodiscard]] bool is_unicast_beyond_link(const IpAddress& address);
/// Whether any of `networks` contains `address`.
[[nodiscard]] bool inside_any(const IpAddress& address, std::span<const Prefix> networks);

/// The host candidates to publish, best first: IPv6 global, IPv4 public, then private, bridges
/// last; at most kCandidatesMax. Left out: loopback, link-local, multicast, unspecified,
/// deprecated, tentative, and anything inside `mesh_networks` (the mesh's own addresses).
[[nodiscard]] std::vector<Candidate> host_candidates(std::span<const LocalAddress> addresses,
                                                     std::uint16_t port,
                                                     std::span<const Prefix> mesh_networks);

/// `candidates` but for those at a global IPv6 address made of the network card's number (EUI-64):
/// such an address shows others the card, and the same host wherever it goes. They stay if `own`
/// has no other global IPv6 address to be reached at. For what a node finds out of itself; what the
/// operator or a gateway names is not asked about.
[[nodiscard]] std::vector<Candidate> without_card_numbers(std::vector<Candidate> candidates,
                                                          std::span<const LocalAddress> own,
                                                          std::span<const Prefix> mesh_networks);

/// What a node publishes: its host candidates and what it learnt of itself (server-reflexive,
/// mapped, static), each endpoint once, at most kCandidatesMax: what others can reach from anywhere
/// comes before private host addresses.
[[nodiscard]] std::vector<Candidate> published_candidates(std::span<const Candidate> hosts,
                                                          std::span<const Candidate> learnt);

/// Whether this node may send to an endpoint that another member names. A lying one must not be
/// able to point us at others: never loopback, multicast, unspecified, link-local, port 0, the
/// mesh's own networks, an own address, nor a private range in which this node has no interface;
/// nor a family it has no address in.
[[nodiscard]] bool is_dialable(const Endpoint& endpoint, std::span<const LocalAddress> own,
                               std::span<const Prefix> mesh_networks);

/// The candidates of a peer that are dialable, best first.
[[nodiscard]] std::vector<Candidate> dialable_candidates(std::span<const Candidate> claimed,
                                                         std::span<const LocalAddress> own,
                                                         std::span<const Prefix> mesh_networks);

}  // namespace kadwire::rendezvous
