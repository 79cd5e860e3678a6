#include "rendezvous/source_limiter.h"

#include <algorithm>

namespace kadwire::rendezvous {

bool TokenBucket::take(TimePoint now, const Rate& rate) {
  const Duration per_token = Duration(1s) / rate.per_second;
  const TimePoint start = std::max(full_at_, now);
  if (start - now > per_token * (rate.burst - 1)) return false;
  full_at_ = start + per_token;
  return true;
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
