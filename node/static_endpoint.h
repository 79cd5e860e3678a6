#pragma once

/// Where the operator says that this node can be reached (--endpoint). Pure.

#include <span>
#include <string_view>

#include "node/base/endpoint.h"

namespace kadwire::node {

/// Why no other member could reach this node there, to follow the endpoint in a sentence ("is a
/// loopback address"); empty: nothing speaks against it. A private address is good: the others may
/// be in the same site. `mesh_networks`: the mesh's own ranges, in which only tunnels lead
/// anywhere.
[[nodiscard]] std::string_view flaw_of_endpoint(const Endpoint& endpoint,
                                                std::span<const Prefix> mesh_networks = {});

}  // namespace kadwire::node
