#pragma once

/// Bytes that must not leak: page-locked, kept out of core dumps, zeroed when released. Large ones
/// are fenced by guard pages (libsodium's sodium_malloc), small ones share some (locked_pool.h).
/// There is no formatter, no comparison that takes
/// variable time, and no copy without saying so.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "node/base/bytes.h"

namespace kadwire::crypto {

class SecretBytes {
 public:
  SecretBytes() = default;  ///< empty
  /// What is moved from is left empty.
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  /// `size` zero bytes. Throws std::bad_alloc if memory cannot be had.
  explicit SecretBytes(std::size_t size);
  /// A locked copy; the caller zeroes the original (see wipe).
  [[nodiscard]] static SecretBytes copy_of(ByteView bytes);
  [[nodiscard]] SecretBytes clone() const;

  [[nodiscard]] ByteView view() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<std::byte> writable() { return {data_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Constant time in the contents; false at once if the sizes differ.
  [[nodiscard]] bool equals(ByteView other) const;

 private:
  struct Release {
    std::size_t size;
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte[], Release> data_;
  std::size_t size_ = 0;
};

/// Zeroes memory in a way no optimiser removes.
void wipe(std::span<std::byte> bytes);
void wipe(std::string& text);

/// Must run before anything else of this room; safe to call again. Throws std::runtime_error if
/// libsodium or GnuTLS cannot start.
void initialise();

}  // namespace kadwire::crypto
