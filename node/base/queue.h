#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kadwire {

/// First in, first out. Keeps no memory while it is empty, where a std::deque keeps 600 bytes: for
/// queues that a node has for every peer.
template <typename T>
class Queue {
 public:
  void push_back(T element) { elements_.push_back(std::move(element)); }
  /// There must be one.
  [[nodiscard]] T& front() { return elements_[taken_]; }
  void pop_front() {
    ++taken_;
    if (empty()) {
      elements_ = std::vector<T>();
      taken_ = 0;
    } else if (2 * taken_ > elements_.size()) {  // each element is moved once or twice, on average
      elements_.erase(elements_.begin(), begin());
      taken_ = 0;
    }
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return elements_.size() - taken_; }
  [[nodiscard]] auto begin() const {
    return elements_.begin() + static_cast<std::ptrdiff_t>(taken_);
  }
  [[nodiscard]] auto end() const { return elements_.end(); }

 private:
  std::vector<T> elements_;
  std::size_t taken_ = 0;  ///< of them, from the front
};

/// The oldest element, taken out; nullopt if there is none. What every poll_… function does.
template <typename Fifo>
[[nodiscard]] auto take_front(Fifo& queue) {
  std::optional<std::remove_reference_t<decltype(queue.front())>> front;
  if (queue.empty()) return front;
  front.emplace(std::move(queue.front()));
  queue.pop_front();
  return front;
}

}  // namespace kadwire
