#pragma once

/// The same scenario with more or fewer nodes.

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Gives the group that has `scales`, or else the largest group of members (the first of equals),
/// so many nodes. The other groups stay as they are. Of another number of members nothing is
/// expected that counts over all of them: pairs_min, pairs_max and path_swaps. Fails, and changes
/// nothing, with a sentence: no such group, a number out of bounds, or an event that names a node
/// which would no longer be there.
[[nodiscard]] tl::expected<void, std::string> scale_members(Scenario& scenario, std::size_t nodes);

}  // namespace kadwire::testnet
