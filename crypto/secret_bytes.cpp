#include "crypto/secret_bytes.h"

#include <gnutls/gnutls.h>
#include <sodium.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "crypto/locked_pool.h"

namespace kadwire::crypto {

void SecretBytes::Release::operator()(std::byte* data) const {
  if (size <= kPoolSlotBytes) {
    LockedPool::instance().give(data);
  } else {
    sodium_free(data);
  }
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  data_ = std::move(other.data_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  // Locking fails quietly where RLIMIT_MEMLOCK is small; guard pages and zeroing stay.
  std::byte* data = size <= kPoolSlotBytes ? LockedPool::instance().take()
                                           : static_cast<std::byte*>(sodium_malloc(size));
  if (data == nullptr) throw std::bad_alloc();
  data_ = {data, Release{size}};
  std::ranges::fill(writable(), std::byte{0});
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy(bytes.size());
  std::ranges::copy(bytes, copy.writable().begin());
  return copy;
}

SecretBytes SecretBytes::clone() const {
  return copy_of(view());
}

bool SecretBytes::equals(ByteView other) const {
  return other.size() == size_ && sodium_memcmp(data_.get(), other.data(), size_) == 0;
}

void wipe(std::span<std::byte> bytes) {
  sodium_memzero(bytes.data(), bytes.size());
}

void wipe(std::string& text) {
  // A text that was once longer may have left its end in the spare capacity.
  text.resize(text.capacity());
  sodium_memzero(text.data(), text.size());
  text.clear();
}

void initialise() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  if (gnutls_global_init() < 0) throw std::runtime_error("GnuTLS cannot start");
}

}  // namespace kadwire::crypto
