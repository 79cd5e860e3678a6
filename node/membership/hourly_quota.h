#pragma once

/// How often within an hour something may happen for one member, and for all together. Pure: reads
/// no clock; bounded by the total.

#include <map>

#include "crypto/node_identity.h"
#include "node/base/time.h"

namespace kadwire::node {

class HourlyQuota {
 public:
  HourlyQuota(unsigned for_each, unsigned in_all) : for_each_(for_each), in_all_(in_all) {}

  /// True, and one fewer is left, if there is one left for this member and one in all. A member's
  /// hour begins with its first; so does that of all.
  [[nodiscard]] bool take(TimePoint now, const crypto::NodeId& node);
  /// Members remembered, at most twice the total.
  [[nodiscard]] std::size_t size() const { return members_.size(); }

 private:
  struct Window {
    TimePoint begun;
    unsigned used = 0;
  };
  static void renew(TimePoint now, Window& window);

  unsigned for_each_;
  unsigned in_all_;
  Window all_;
  std::map<crypto::NodeId, Window> members_;
};

}  // namespace kadwire::node
