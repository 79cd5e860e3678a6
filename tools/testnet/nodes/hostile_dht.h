#pragma once

/// Hostile nodes of the DHT, as the roles of a scenario: they know the topic's hash, which whoever
/// watches the DHT knows, and nothing of the secret.

#include "tools/testnet/nodes/hash_flooder.h"
#include "tools/testnet/nodes/hostile_node.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Node ids of one kSybil: a put goes to eight nodes, so one host surrounds a topic.
inline constexpr std::size_t kSybilNodes = 8;

/// `role` is kDropper, kLiar, kHashFlooder or kSybil. `host` outlives the program.
[[nodiscard]] std::unique_ptr<Program> make_hostile_dht(Role role, SimHost& host,
                                                        std::vector<Endpoint> bootstrap,
                                                        std::uint64_t seed, TopicByHour topic);

}  // namespace kadwire::testnet
