#pragma once

/// The JSON form of what is known of a NAT, the same in `status` and `netcheck`. Pure.

#include <nlohmann/json_fwd.hpp>

#include "rendezvous/nat_behavior.h"

namespace kadwire::control {

/// The field names and words are a promise to scripts: README.md of this folder lists them.
[[nodiscard]] nlohmann::json nat_json(const rendezvous::NatBehavior& nat,
                                      rendezvous::FilteringBehavior filtering);

}  // namespace kadwire::control
