#pragma once

/// Tells strangers which endpoint they have: a STUN server's Binding method without authentication
/// (RFC 8489 §6.3, §12), and lets them find out what their NAT lets in, by answering from another
/// port or address of this host than the one that was asked (RFC 5780 §4.4, §6.1), and how long it
/// keeps a mapping, by answering to another port (§4.6). Sans-IO: a datagram in, at most one out,
/// always to the address that it came from.
/// Deviations, all against reflection: a bare 20-byte request is answered with 32 bytes (IPv4) or
/// 44 (IPv6), which the RFC leaves no way round: ×1.6 and ×2.2 of the payload, ×1.25 and ×1.35 on
/// the wire with UDP and IP headers. No other answer is larger than its request: OTHER-ADDRESS is
/// there only if the request was long enough for it, and error 420 is sent without a reason. What
/// is to go to another port goes to none below kResponsePortMin, where services listen, and only if
/// the request was as long as the answer. No SOFTWARE, no RESPONSE-ORIGIN, no ALTERNATE-SERVER, no
/// answer beyond the rates.
/// OTHER-ADDRESS is also there where only the port can be another one: its address is then the one
/// that was asked, which tells the client just that.

#include <optional>
#include <vector>

#include "node/base/transmit.h"
#include "rendezvous/source_limiter.h"
#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {

struct StunLimits {
  /// A /24 of a carrier's NAT may hold many honest clients; a victim there gets 2 KB/s at worst.
  Rate per_source{50, 100};
  /// What the whole service sends at most: under 0.4 MB/s.
  Rate in_all{5000, 5000};
};

/// Own addresses that requests came to, which are those that answers may come from. More than a
/// server has that is not made to be one; what is beyond is only answered for itself.
inline constexpr std::size_t kStunHomesMax = 16;

/// No program gets a port below this from its system by chance, and no NAT maps to one.
inline constexpr std::uint16_t kResponsePortMin = 1024;

/// Counters for people, since the start.
struct StunStats {
  std::uint64_t answered = 0;    ///< with the mapped address
  std::uint64_t elsewhere = 0;   ///< of these from another endpoint than was asked
  std::uint64_t redirected = 0;  ///< of these to another port than asked
  std::uint64_t refused = 0;     ///< with error 420: an attribute it must understand and does not
  std::uint64_t malformed = 0;   ///< not STUN, or not well-formed
  std::uint64_t ignored = 0;     ///< STUN, but no Binding request, or no answer that fits
  std::uint64_t limited_by_source = 0;
  std::uint64_t limited_in_all = 0;
};

/// Where a request came to.
struct StunHome {
  Endpoint at;  ///< unspecified address: not known
  /// Of the same address, from which answers can come too; 0: there is none, or `at` is it.
  std::uint16_t second_port = 0;
};

struct StunReply {
  Endpoint source;  ///< the own endpoint it is to leave from
  Transmit transmit;
};

class StunResponder {
 public:
  explicit StunResponder(const StunLimits& limits = {})
      : sources_(limits.per_source), rate_in_all_(limits.in_all) {}
  /// What to send back, to `from` or, on request, to another port of its address; nullopt: nothing.
  [[nodiscard]] std::optional<StunReply> handle_datagram(TimePoint now, const Endpoint& from,
                                                         const StunHome& home, ByteView datagram);
  [[nodiscard]] const StunStats& stats() const { return stats_; }

 private:
  void remember(const StunHome& home);
  [[nodiscard]] const StunHome* other_home(const StunHome& home) const;
  [[nodiscard]] std::optional<Endpoint> source_of(const StunHome& home, StunChange change) const;
  [[nodiscard]] std::optional<Endpoint> other_address(const StunHome& home) const;
  [[nodiscard]] Bytes success(const StunMessage& request, const Endpoint& from,
                              const StunHome& home) const;
  [[nodiscard]] bool within_rates(TimePoint now, const IpAddress& source);

  SourceLimiter sources_;
  Rate rate_in_all_;
  TokenBucket in_all_;
  std::vector<StunHome> homes_;  ///< with a second port, each address once, in the order of coming
  StunStats stats_;
};

}  // namespace kadwire::rendezvous
