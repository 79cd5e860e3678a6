#pragma once

/// Small secrets side by side in locked memory. A mapping of its own for each would cost four pages
/// and four entries of the kernel's table of mappings (65,530 in all by default): a node with a
/// thousand sessions, or a simulation of some hundred nodes, would run out of them.
/// What is given up is the guard page behind each secret; each slab still has its own. Not
/// thread-safe: secrets live on the node's one thread.

#include <cstddef>

namespace kadwire::crypto {

/// The largest secret of a session or handshake: chaining key and cipher key, 96 bytes.
inline constexpr std::size_t kPoolSlotBytes = 96;
inline constexpr std::size_t kPoolSlabSlots = 128;

class LockedPool {
 public:
  /// The process's one pool. It is never destroyed: whatever outlives it may still hold secrets.
  [[nodiscard]] static LockedPool& instance();
  /// kPoolSlotBytes zero bytes. Throws std::bad_alloc if memory cannot be had.
  [[nodiscard]] std::byte* take();
  /// Zeroes a slot and takes it back.
  void give(std::byte* slot);

 private:
  LockedPool() = default;
  void add_slab();
  void push(std::byte* slot);
  std::byte* free_ = nullptr;  ///< the first free slot; each begins with the address of the next
};

}  // namespace kadwire::crypto
