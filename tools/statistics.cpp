#include "tools/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace kadwire {
namespace {

template <typename Value>
Value nearest_rank(std::vector<Value> values, double share) {
  assert(!values.empty() && share > 0 && share <= 1);
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

}  // namespace

Duration percentile(std::vector<Duration> values, double share) {
  return nearest_rank(std::move(values), share);
}

double percentile(std::vector<double> values, double share) {
  return nearest_rank(std::move(values), share);
}

double to_milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace kadwire
