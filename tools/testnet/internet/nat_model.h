#pragma once

/// What a NAT does, in the terms of RFC 4787, as a scenario describes it. Plain values; every axis
/// is free. nat_box.h is the NAT itself.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/time.h"

namespace kadwire::testnet {

/// What a mapping (RFC 4787 §4.1) or a filter (§5) depends on.
enum class Dependence : std::uint8_t {
  kEndpointIndependent,
  kAddressDependent,
  kAddressAndPortDependent,
};

/// How an external port is chosen (RFC 4787 §4.2).
enum class PortAllocation : std::uint8_t {
  kPreserving,            ///< the internal port; if taken, the next free one
  kPreservingOverload,    ///< the internal port, even if another host has it: the later one wins
  kSequential,            ///< the last one given plus a step
  kRandom,
  kParity,                ///< random, odd for odd and even for even
};

/// Which packets keep a mapping alive (RFC 4787 §4.3).
enum class Refresh : std::uint8_t { kOutbound, kBoth };

struct NatModel {
  Dependence mapping = Dependence::kEndpointIndependent;
  Dependence filtering = Dependence::kAddressAndPortDependent;
  PortAllocation allocation = PortAllocation::kPreserving;
  std::uint16_t step = 1;                 ///< of sequential allocation
  Duration expiry{120s};                  ///< 5 s to 10 min in scenarios
  Refresh refresh = Refresh::kBoth;
  bool hairpin = false;                   ///< RFC 4787 §6
  std::size_t mappings_max = 16384;       ///< more are refused
  bool blocks_udp = false;                ///< forwards no UDP at all
  bool operator==(const NatModel&) const = default;
};

/// The kinds that have a name, each the typical box of its sort: for scenarios and the matrix.
struct NatKind {
  std::string_view name;     ///< "full-cone"
  std::string_view summary;  ///< for people, a few words
  NatModel model;
};
/// In the order of the matrix, friendly first.
[[nodiscard]] const std::vector<NatKind>& nat_kinds();
/// nullopt: there is no such kind.
[[nodiscard]] std::optional<NatModel> find_nat_kind(std::string_view name);

}  // namespace kadwire::testnet
