#pragma once

#include <deque>
#include <optional>
#include <utility>

namespace kadwire {

/// The oldest element, taken out; nullopt if there is none. What every poll_… function does.
template <typename T>
[[nodiscard]] std::optional<T> take_front(std::deque<T>& queue) {
  if (queue.empty()) return std::nullopt;
  std::optional<T> front(std::move(queue.front()));
  queue.pop_front();
  return front;
}

}  // namespace kadwire
