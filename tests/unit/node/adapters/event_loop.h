#pragma once

#include <asio/io_context.hpp>

#include <chrono>

namespace kadwire::testing {

/// Runs the loop until `done()` or for `limit`; true if done. Waits in the loop, never sleeps.
template <typename Predicate>
bool run_until(asio::io_context& context, Predicate done,
               std::chrono::milliseconds limit = std::chrono::seconds(2)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  context.restart();
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    if (context.run_one_until(deadline) == 0 && context.stopped()) return done();
  }
  return true;
}

}  // namespace kadwire::testing
