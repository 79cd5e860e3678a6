#pragma once

/// What is done to two WireGuard devices, and what came of it: one script for wireguard-go in the
/// lab and for the model in virtual time.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/time.h"

namespace kadwire::lab {

enum class Side : std::size_t { kA, kB };

enum class Act {
  kInstall,       ///< sets the other as a peer without an endpoint or keepalive
  kInstallAlien,  ///< likewise, with another pre-shared key than anyone's
  kAddress,       ///< sets it with an endpoint and without a keepalive
  kDial,          ///< sets it with both
  kRedial,        ///< removes the peer and dials in one request
  kSend,          ///< puts a packet of kScriptPacketBytes into the tunnel
  // These act on all pairs at once: at least 1 s from whatever else happens.
  kCut,   ///< from now on all that either side sends is lost
  kMend,  ///< no more
  kMove,  ///< the side's host gets another address and loses its own
};

/// A datagram of 100 bytes with its IPv4 and UDP headers.
inline constexpr std::size_t kScriptPacketBytes = 20 + 8 + 100;
/// One way, between the two.
inline constexpr auto kScriptLatency = 40ms;

struct Step {
  Duration at{0};  ///< since the first step, whose own is 0
  Side side = Side::kA;
  Act act = Act::kInstall;
};

struct Script {
  const char* name = "";
  std::vector<Step> steps;             ///< in order
  Duration length{0};                  ///< when the outcome is looked at
  std::chrono::seconds keepalive{25};  ///< of a side that dials
  bool symmetric = false;              ///< both sides do the same, and chance tells them apart
};

/// What one side's device says in the end.
struct SideOutcome {
  std::optional<Duration> handshake;  ///< the last one, since the first step; nullopt: none
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};
using Outcome = std::array<SideOutcome, 2>;  ///< by Side

}  // namespace kadwire::lab
