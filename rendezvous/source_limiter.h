#pragma once

/// How often a service that answers strangers may answer: token buckets, one for each source
/// network in a bounded table. Reads no clock. Source addresses can be forged, so this bounds what
/// anyone is made to receive and what a flood costs; it does not tell good sources from bad.

#include <cstdint>
#include <list>
#include <map>

#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

struct Rate {
  std::uint32_t per_second = 1;  ///< at least 1
  std::uint32_t burst = 1;       ///< at least 1: what a full bucket holds
};

/// A token bucket written as the one moment at which it is full again.
class TokenBucket {
 public:
  /// True, and `tokens` fewer, if there are so many; more than the burst there never are. `rate` is
  /// the same at every call.
  [[nodiscard]] bool take(TimePoint now, const Rate& rate, std::uint32_t tokens = 1);
  /// True if take() would be.
  [[nodiscard]] bool has(TimePoint now, const Rate& rate, std::uint32_t tokens = 1) const;

 private:
  TimePoint full_at_{};
};

/// The networks that one customer of a provider usually holds: limits per address would be none for
/// whoever has a /64, let alone more.
inline constexpr unsigned kSourceLengthIpv4 = 24;
inline constexpr unsigned kSourceLengthIpv6 = 56;
/// About 1 MB. A flood from more forged networks than this evicts, and is left to the limit in all.
inline constexpr std::size_t kSourcesMax = 8192;

class SourceLimiter {
 public:
  explicit SourceLimiter(const Rate& per_source) : rate_(per_source) {}
  /// True if `source`'s network has a token left, which is then spent. The network not seen for the
  /// longest time makes room for a new one.
  [[nodiscard]] bool take(TimePoint now, const IpAddress& source);
  /// Networks remembered, at most kSourcesMax.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TokenBucket bucket;
    std::list<Prefix>::iterator use;  ///< its place in uses_
  };
  Rate rate_;
  std::map<Prefix, Entry> entries_;
  std::list<Prefix> uses_;  ///< each network of entries_ once, the least recently seen first
};

}  // namespace kadwire::rendezvous
