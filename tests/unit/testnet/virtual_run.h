#pragma once

/// Time for tests in which production code reads the clocks by itself. Needs virtual_clock.cpp in
/// the executable.

#include "tools/testnet/event_queue.h"
#include "tools/testnet/virtual_clock.h"

namespace kadwire::testnet {

/// Runs the queue for so long, and shows the clocks the time of each event.
inline void run_for(EventQueue& queue, Duration duration) {
  const TimePoint end = queue.now() + duration;
  while (queue.next() <= end) {
    advance_virtual_clock_to(queue.next());
    queue.step();
  }
  advance_virtual_clock_to(end);
  queue.run_until(end);
}

}  // namespace kadwire::testnet
