#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <string>

#include "crypto/secret_bytes.h"

namespace kadwire::node {

/// Zeroes what it gives back, so that a text leaves no copy of itself behind when it grows or ends.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) {
    crypto::wipe(std::as_writable_bytes(std::span(memory, count)));
    ::operator delete(memory);
  }
  bool operator==(const WipingAllocator&) const = default;
};

/// A text that may hold keys in passing. Longer than the 15 characters that a string stores inside
/// itself, which every text with a key is; never to be logged.
using WipedText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

}  // namespace kadwire::node
