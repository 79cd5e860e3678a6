#pragma once

/// How a gateway maps ports for the hosts behind it, as a scenario describes it. Plain values;
/// mapping_service.h is what answers them.

#include <cstdint>

#include "node/base/time.h"

namespace kadwire::testnet {

/// Where gateways listen, and where hosts hear them announce that they have started.
inline constexpr std::uint16_t kMappingPort = 5351;
inline constexpr std::uint16_t kMappingAnnouncementPort = 5350;
/// RFC 6887 §15: no shorter lease is given.
inline constexpr std::chrono::seconds kMappingLeaseMin = 120s;

enum class MappingProtocols : std::uint8_t { kNone, kNatPmp, kPcp, kBoth };

struct MappingServiceModel {
  MappingProtocols protocols = MappingProtocols::kNone;
  bool refuses = false;      ///< answers, but maps for nobody
  Duration lease_max = 24h;  ///< kMappingLeaseMin at least; whoever asks for more gets this
  [[nodiscard]] bool listens() const { return protocols != MappingProtocols::kNone; }
  [[nodiscard]] bool speaks_pcp() const {
    return protocols == MappingProtocols::kPcp || protocols == MappingProtocols::kBoth;
  }
  [[nodiscard]] bool speaks_nat_pmp() const {
    return protocols == MappingProtocols::kNatPmp || protocols == MappingProtocols::kBoth;
  }
  bool operator==(const MappingServiceModel&) const = default;
};

}  // namespace kadwire::testnet
