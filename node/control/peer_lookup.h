#pragma once

/// Finds the peer that somebody means by a few characters. Pure.

#include <span>
#include <string_view>

#include <tl/expected.hpp>

#include "node/control/failure.h"
#include "node/node_view.h"

namespace kadwire::control {

/// The one peer that `text` names, a pointer into `peers`. Tried in this order, upper and lower
/// case alike; the first that fits any peer decides:
///   1. the whole NodeId in hexadecimal, or its short form, or an address in the mesh
///   2. the whole hostname (after the NodeIds, so that no hostname can pose as one)
///   3. the beginning of a NodeId in either form
/// Fails if nothing fits, or if several peers do; then the failure lists them. If it is `own` alone
/// that fits (nullptr: nobody asks), the failure says so.
[[nodiscard]] tl::expected<const node::PeerView*, Failure> find_peer(
    std::span<const node::PeerView> peers, std::string_view text,
    const node::NodeView* own = nullptr);

}  // namespace kadwire::control
