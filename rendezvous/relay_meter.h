#pragma once

/// What a relay lets pass for all its pairs together, and how busy that keeps it: bytes a second,
/// and bytes in any 24 hours. Sans-IO: counts what it is asked about. Not here: places for pairs
/// (relay_desk.h), datagrams (node/ports/relay_ports.h).
///
///   open ── kQuotaOpen of the day's bytes have passed ──▶ used up: a trickle, no new pairs
///     ▲                                                       │
///     └── fewer than kQuotaAgain in the last 24 hours ────────┘

#include <array>
#include <cstdint>

#include "node/base/time.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {

/// Load is what was offered in the last whole one of these: longer than one page or file takes, so
/// that it tells of pairs and not of moments, and much shorter than pairs take to move away
/// (kLoadSpacing), so that who comes next sees that others have left.
inline constexpr Duration kBusySpan = 10s;
/// The 24 hours end with the present hour, which is counted besides: never less than a whole day.
inline constexpr std::size_t kQuotaHours = 25;
/// Of the quota, in hundredths: passed freely. The rest goes on as a trickle, spread over all those
/// hours, so that a tunnel that has no other relay lives on and the quota is kept all the same.
inline constexpr std::uint64_t kQuotaOpen = 95;
/// Until less than this was passed a relay stays closed: it does not open for every hour that goes.
inline constexpr std::uint64_t kQuotaAgain = 80;
/// What may pass at once at any rate: two of the largest that arrive at once (datagram_batch.h).
inline constexpr std::uint32_t kRelayBurstMin = 128 * 1024;

struct RelayLimits {
  std::uint32_t bytes_per_second = 0;  ///< 0: no limit
  std::uint64_t bytes_per_day = 0;     ///< the same; else at least kDailyBytesMin
};
/// Less would be no relay: the trickle of this is some hundred bytes a second.
inline constexpr std::uint64_t kDailyBytesMin = 1'000'000'000;

/// How busy a relay's ports are.
struct RelayTraffic {
  std::uint8_t load = 0;          ///< hundredths of the scarcer of its limits; 0: it has none
  bool used_up = false;           ///< the quota: nothing but a trickle passes
  std::uint64_t day_bytes = 0;    ///< passed in the last 24 hours
  std::uint64_t quota_bytes = 0;  ///< that may be; 0: there is no quota
  bool operator==(const RelayTraffic&) const = default;
};

class RelayMeter {
 public:
  explicit RelayMeter(const RelayLimits& limits) : limits_(limits) {}
  /// True, and counted, if so many bytes may pass now.
  [[nodiscard]] bool take(TimePoint now, std::size_t bytes);
  [[nodiscard]] RelayTraffic traffic(TimePoint now);

 private:
  void advance(TimePoint now);
  [[nodiscard]] bool within_quota(TimePoint now, std::uint32_t bytes);
  [[nodiscard]] std::uint8_t busy() const;

  RelayLimits limits_;
  TokenBucket rate_, trickle_;
  std::int64_t span_ = 0;  ///< the present kBusySpan
  std::uint64_t offered_ = 0, offered_before_ = 0;
  std::int64_t hour_ = 0;
  std::array<std::uint64_t, kQuotaHours> hours_{};  ///< bytes passed, by hour
  std::uint64_t day_bytes_ = 0;                     ///< the sum of these
  bool used_up_ = false;
};

}  // namespace kadwire::rendezvous
