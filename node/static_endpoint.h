#pragma once

/// Where the operator says that this node can be reached (--endpoint). Pure.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/endpoint.h"

namespace kadwire::node {

/// Why no other member could reach this node there, to follow the endpoint in a sentence ("is a
/// loopback address"); empty: nothing speaks against it. A private address is good: the others may
/// be in the same site. `mesh_networks`: the mesh's own ranges, in which only tunnels lead
/// anywhere.
[[nodiscard]] std::string_view flaw_of_endpoint(const Endpoint& endpoint,
                                                std::span<const Prefix> mesh_networks = {});

/// Of a name that has more, one of each family are enough; the record has few places.
inline constexpr std::size_t kEndpointsPerNameMax = 2;

/// What a name stands for at one time.
struct NamedEndpoints {
  std::vector<Endpoint> endpoints;  ///< to be published, at most kEndpointsPerNameMax
  std::string left_out;             ///< one sentence about addresses that have a flaw; empty: none
};
/// Chosen from all that a name resolved to. The same for any order of them, since name servers turn
/// theirs round: public ones before private ones, and one of each family if there are both.
[[nodiscard]] NamedEndpoints choose_endpoints(std::span<const Endpoint> resolved,
                                              std::span<const Prefix> mesh_networks);

}  // namespace kadwire::node
