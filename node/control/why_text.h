#pragma once

/// `peers.why` and `peers.paths`, made by the daemon, read by people. Pure. Fields: README.md of
/// this folder.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "node/base/time.h"
#include "node/explain_path.h"

namespace kadwire::control {

[[nodiscard]] nlohmann::json why_json(const node::PeerStory& story);
[[nodiscard]] nlohmann::json paths_json(std::span<const node::PathView> paths);

/// why_json's text: state, cause, evidence, remedies and the history. What is missing or of another
/// type, as from a daemon of another version, shows as "-".
[[nodiscard]] std::string describe_why(const nlohmann::json& why, WallTime now, bool colour);

}  // namespace kadwire::control
