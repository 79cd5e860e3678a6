#include "crypto/locked_pool.h"

#include <sodium.h>

#include <cstring>
#include <new>

namespace kadwire::crypto {

LockedPool& LockedPool::instance() {
  static auto* pool = new LockedPool;
  return *pool;
}

std::byte* LockedPool::take() {
  if (free_ == nullptr) add_slab();
  std::byte* slot = free_;
  std::memcpy(&free_, slot, sizeof free_);
  sodium_memzero(slot, sizeof free_);
  return slot;
}

void LockedPool::give(std::byte* slot) {
  sodium_memzero(slot, kPoolSlotBytes);
  push(slot);
}

void LockedPool::push(std::byte* slot) {
  std::memcpy(slot, &free_, sizeof free_);
  free_ = slot;
}

/// Locking fails quietly where RLIMIT_MEMLOCK is small; zeroing stays.
void LockedPool::add_slab() {
  constexpr std::size_t kSlabBytes = kPoolSlotBytes * kPoolSlabSlots;
  auto* slab = static_cast<std::byte*>(sodium_malloc(kSlabBytes));
  if (slab == nullptr) throw std::bad_alloc();
  sodium_memzero(slab, kSlabBytes);
  for (std::size_t i = kPoolSlabSlots; i > 0; --i) {
    push(slab + (i - 1) * kPoolSlotBytes);
  }
}

}  // namespace kadwire::crypto
