#include "node/membership/hourly_quota.h"

namespace kadwire::node {

void HourlyQuota::renew(TimePoint now, Window& window) {
  if (window.used == 0 || now - window.begun >= 1h) window = {now, 0};
}

bool HourlyQuota::take(TimePoint now, const crypto::NodeId& node) {
  renew(now, all_);
  if (all_.used == 0) {  // once an hour is often enough to forget
    std::erase_if(members_, [&](const auto& each) { return now - each.second.begun >= 1h; });
  }
  if (all_.used >= in_all_) return false;
  Window& window = members_[node];
  renew(now, window);
  if (window.used >= for_each_) return false;
  ++window.used;
  ++all_.used;
  return true;
}

}  // namespace kadwire::node
