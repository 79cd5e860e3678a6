#pragma once

/// Tells strangers which endpoint they have: a STUN server's Binding method without authentication
/// (RFC 8489 §6.3, §12). Sans-IO: a datagram in, at most one out.
/// Deviations, all against reflection: a bare 20-byte request is answered with 32 bytes (IPv4) or
/// 44 (IPv6), which the RFC leaves no way round: ×1.6 and ×2.2 of the payload, ×1.25 and ×1.35 on
/// the wire with UDP and IP headers. No other answer is larger than its request, so error 420 is
/// sent without a reason and only where it fits. No SOFTWARE, no ALTERNATE-SERVER, no answer beyond
/// the rates.

#include <optional>

#include "node/base/transmit.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::rendezvous {

struct StunLimits {
  /// A /24 of a carrier's NAT may hold many honest clients; a victim there gets 2 KB/s at worst.
  Rate per_source{50, 100};
  /// What the whole service sends at most: under 0.4 MB/s.
  Rate in_all{5000, 5000};
};

/// Counters for people, since the start.
struct StunStats {
  std::uint64_t answered = 0;   ///< with the mapped address
  std::uint64_t refused = 0;    ///< with error 420: an attribute it must understand and does not
  std::uint64_t malformed = 0;  ///< not STUN, or not well-formed
  std::uint64_t ignored = 0;    ///< STUN, but no Binding request, or no answer that fits
  std::uint64_t limited_by_source = 0;
  std::uint64_t limited_in_all = 0;
};

class StunResponder {
 public:
  explicit StunResponder(const StunLimits& limits = {})
      : sources_(limits.per_source), rate_in_all_(limits.in_all) {}
  /// What to send back, always to `from`; nullopt: nothing.
  [[nodiscard]] std::optional<Transmit> handle_datagram(TimePoint now, const Endpoint& from,
                                                        ByteView datagram);
  [[nodiscard]] const StunStats& stats() const { return stats_; }

 private:
  [[nodiscard]] bool within_rates(TimePoint now, const IpAddress& source);
  SourceLimiter sources_;
  Rate rate_in_all_;
  TokenBucket in_all_;
  StunStats stats_;
};

}  // namespace kadwire::rendezvous
