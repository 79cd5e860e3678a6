#pragma once

/// Real time, for speed and progress only: std::chrono's clocks are virtual here. Never an input to
/// anything simulated.

#include <ctime>

#include "node/base/time.h"

namespace kadwire::testnet {

class Stopwatch {
 public:
  Stopwatch() : started_(read()) {}
  [[nodiscard]] Duration elapsed() const { return read() - started_; }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(elapsed()).count(); }

 private:
  [[nodiscard]] static Duration read() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
  Duration started_;
};

}  // namespace kadwire::testnet
