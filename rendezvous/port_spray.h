#pragma once

/// How two members meet through a NAT whose ports nobody can foresee: by chance. The side behind it
/// sends from many ports of its own to the other's one endpoint, so that as many mappings lead
/// there; the other, whose mapping is the same for all, sends to ports of the first one's address
/// until it hits one of them. 256 mappings among 64,512 ports and 1088 tries: 98.7 %.
/// Here: from and to which ports, and when. Pure, but for two draws. Not here: the pings
/// (punch_session), who may make us do it (agent).

#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/random.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// More would help, but each is a mapping in a NAT whose table others need too.
inline constexpr std::uint16_t kSidePorts = 256;
/// 16 each 20 ms: a queue for 100 kbit/s holds such a batch, and all are open in a third of a
/// second.
inline constexpr int kOpeningBatch = 16;
inline constexpr Duration kOpeningPause = 20ms;
/// Once more, when the other side is half through: for what was lost on the way to the NAT.
inline constexpr int kOpeningRounds = 2;
inline constexpr Duration kOpeningRoundPause = 2s;

/// 16 each 60 ms are 267 a second and half as many as real NATs were seen to bear: over in 4 s.
inline constexpr int kSprayProbes = 1088;
inline constexpr int kSprayBatch = 16;
inline constexpr Duration kSprayPause = 60ms;
/// NATs give what is below to nobody.
inline constexpr std::uint32_t kSprayedPortMin = 1024;

/// Luck is not tried for one peer more often than this: a spray is a thousand packets to an address
/// that a member only claims.
inline constexpr std::size_t kLuckTriesMax = 3;
inline constexpr Duration kLuckWindow = 15min;
/// One opening is told of eight times in five seconds, and gets one spray.
inline constexpr Duration kSpraySpacing = 30s;
/// Who opens waits a little longer in each case, so that it is never too early for the other; and
/// much longer while nothing is new.
inline constexpr Duration kLuckMargin = 10s;
inline constexpr Duration kOpeningSpacing = 5min + kLuckMargin;
inline constexpr Duration kFreshOpeningSpacing = kSpraySpacing + kLuckMargin;

/// The tries for one peer, of one side.
class LuckPace {
 public:
  /// The next try is not before, if tries are to be `spacing` apart, and kLuckTriesMax in `window`.
  [[nodiscard]] TimePoint next(Duration spacing, Duration window) const;
  void note(TimePoint now);

 private:
  std::vector<TimePoint> tries_;  ///< the last kLuckTriesMax, the oldest first
};

/// What leaves for an endpoint is to leave from this port, or nothing comes back.
struct FlowTie {
  Endpoint to;
  std::uint16_t from_port = 0;
  auto operator<=>(const FlowTie&) const = default;
};

/// Where side ports are opened to, and where the other side will find them.
struct Opening {
  Endpoint to;
  IpAddress external;  ///< IPv4: the own NAT's address, as servers saw it
  bool operator==(const Opening&) const = default;
};

/// The side behind the NAT: two rounds over its side ports.
class PortOpening {
 public:
  /// The ports are kSidePorts from `first_port` on.
  PortOpening(std::uint16_t first_port, TimePoint now) : first_port_(first_port), next_(now) {}
  [[nodiscard]] std::optional<TimePoint> next() const { return next_; }  ///< nullopt: all are sent
  /// The ports to send from now; none before they are due.
  [[nodiscard]] std::vector<std::uint16_t> take(TimePoint now);
  /// What was taken last was of a round's last quarter: whoever hears of the ports now finds all of
  /// them open. True four times in a round, for such news may be lost.
  [[nodiscard]] bool is_near_end() const {
    return taken_ > 0 && (taken_ - 1) % kSidePorts >= kSidePorts * 3 / 4;
  }

 private:
  std::uint16_t first_port_;
  int taken_ = 0;
  std::optional<TimePoint> next_;
};

/// The other side: each port once, in an order that no two sprays share.
class PortSpray {
 public:
  PortSpray(const IpAddress& at, RandomSource& random, TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next() const { return next_; }  ///< nullopt: all are sent
  /// Where to send now; nothing before it is due.
  [[nodiscard]] std::vector<Endpoint> take(TimePoint now);

 private:
  IpAddress at_;
  std::uint32_t first_, step_;  ///< counted from kSprayedPortMin
  int taken_ = 0;
  std::optional<TimePoint> next_;
};

}  // namespace kadwire::rendezvous
