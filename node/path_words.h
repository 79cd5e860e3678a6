#pragma once

/// The words for what happened between two members, and for NATs: pure. What follows from them is
/// explain_path's.

#include <string>
#include <string_view>

#include "node/peer_story.h"

namespace kadwire::node {

/// The names that programs see: "path-lost", "relay-asked". They never change.
[[nodiscard]] std::string_view to_text(rendezvous::PairEventKind kind);
/// "silent", "own-move"; empty: none.
[[nodiscard]] std::string_view to_text(rendezvous::PathCause cause);
/// To be read after "because": "it was the first that answered".
[[nodiscard]] std::string_view describe(rendezvous::PathCause cause);
/// One event without its date: "the path 192.0.2.1:51820 was lost: nothing came back".
[[nodiscard]] std::string describe(const StoryEvent& event);
/// "a NAT that gives a new random port to every destination".
[[nodiscard]] std::string describe_nat(const rendezvous::NatBehavior& nat);
/// Of a NAT whose mapping depends on the destination: "a new random port".
[[nodiscard]] std::string_view strict_ports(const rendezvous::NatBehavior& nat);

}  // namespace kadwire::node
