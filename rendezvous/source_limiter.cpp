#include "rendezvous/source_limiter.h"

#include <algorithm>

namespace kadwire::rendezvous {

namespace {

Duration time_to_fill(std::uint32_t tokens, const Rate& rate) {
  return Duration(1s) * tokens / rate.per_second;
}

}  // namespace

bool TokenBucket::take(TimePoint now, const Rate& rate, std::uint32_t tokens) {
  if (!has(now, rate, tokens)) return false;
  full_at_ = std::max(full_at_, now) + time_to_fill(tokens, rate);
  return true;
}

bool TokenBucket::has(TimePoint now, const Rate& rate, std::uint32_t tokens) const {
  const TimePoint full_at = std::max(full_at_, now) + time_to_fill(tokens, rate);
  return full_at - now <= time_to_fill(rate.burst, rate);
}

bool SourceLimiter::take(TimePoint now, const IpAddress& source) {
  const unsigned length = source.is_v4() ? kSourceLengthIpv4 : kSourceLengthIpv6;
  const Prefix network = Prefix{source, length}.network();
  auto found = entries_.find(network);
  if (found == entries_.end()) {
    if (entries_.size() == kSourcesMax) {
      entries_.erase(uses_.front());
      uses_.pop_front();
    }
    found = entries_.emplace(network, Entry{{}, uses_.insert(uses_.end(), network)}).first;
  } else {
    uses_.splice(uses_.end(), uses_, found->second.use);
  }
  return found->second.bucket.take(now, rate_);
}

}  // namespace kadwire::rendezvous
