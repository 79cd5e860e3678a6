#pragma once

/// A tunnel in virtual time, and what a device might say of it.

#include <gtest/gtest.h>

#include <optional>

#include "node/tunnel.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::node {

inline constexpr TimePoint kStart{Duration(1000h)};
inline constexpr WallTime kShaken{std::chrono::milliseconds{1'763'641'200'000}};
inline const Endpoint kHere = *Endpoint::parse("192.0.2.1:51820");
inline const Endpoint kThere = *Endpoint::parse("[2001:db8::1]:51820");

/// What the device says of a peer that is reached at kHere.
[[nodiscard]] inline PeerStatus status(std::optional<WallTime> handshake = {},
                                       std::uint64_t rx = 0) {
  PeerStatus result;
  result.last_handshake = handshake;
  result.rx_bytes = rx;
  result.endpoint = kHere;
  return result;
}

class TunnelTest : public ::testing::Test {
 protected:
  /// Shows the tunnel a device on which nothing happens, whenever it wants to look, until it dials.
  std::optional<Endpoint> dial_within(Tunnel& tunnel, Duration limit) {
    const TimePoint end = now_ + limit;
    while (now_ <= end) {
      const PeerStatus silent = status();
      tunnel.handle_status(now_, &silent);
      if (const auto target = tunnel.dial(now_, random_)) return target;
      if (tunnel.next_status() <= now_) {
        ADD_FAILURE() << "a look that stays due spins";
        return std::nullopt;
      }
      now_ = tunnel.next_status();
    }
    return std::nullopt;
  }
  Tunnel up_tunnel(Tunnel::Role role) {
    Tunnel tunnel(now_, role, false);
    tunnel.set_candidates(now_, {kHere});
    const PeerStatus shaken = status(kShaken, 100);
    tunnel.handle_status(now_, &shaken);
    EXPECT_TRUE(tunnel.up());
    return tunnel;
  }

  testnet::SeededRandom random_{1};
  TimePoint now_ = kStart;
};

}  // namespace kadwire::node
