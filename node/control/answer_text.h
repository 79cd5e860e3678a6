#pragma once

/// The daemon's answers as people read them. Pure. What is missing or of another type, as from a
/// daemon of another version, shows as "-".

#include <nlohmann/json_fwd.hpp>

#include <string>

#include "node/base/time.h"

namespace kadwire::control {

/// A table of peers.list's result; "No peers yet" if it is empty.
[[nodiscard]] std::string describe_peers(const nlohmann::json& list, WallTime now, bool colour);
/// All of peers.get's result, a line for each field.
[[nodiscard]] std::string describe_peer(const nlohmann::json& peer, WallTime now);
/// peers.count's result.
[[nodiscard]] std::string describe_count(const nlohmann::json& count);
/// daemon.status's result.
[[nodiscard]] std::string describe_status(const nlohmann::json& status, bool colour);

/// What a secret stands for, as `status` with a secret derives it.
[[nodiscard]] std::string describe_derived(const nlohmann::json& derived);

}  // namespace kadwire::control
