#pragma once

#include "node/base/time.h"

namespace kadwire::testing {

/// Lets time pass on both clocks. The wall clock shows whole milliseconds, and is as far on as the
/// steady one in the long run, whatever the steps.
inline void advance(Now& now, Duration by) {
  const auto before = std::chrono::floor<std::chrono::milliseconds>(now.steady);
  now.steady += by;
  now.wall += std::chrono::floor<std::chrono::milliseconds>(now.steady) - before;
}

}  // namespace kadwire::testing
