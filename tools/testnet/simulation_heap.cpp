#include "tools/testnet/simulation_heap.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace kadwire::testnet {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

SimulationHeapScope::SimulationHeapScope() : outer_(false) {}
SimulationHeapScope::~SimulationHeapScope() = default;
OutsideSimulationHeap::OutsideSimulationHeap() : outer_(false) {}
OutsideSimulationHeap::~OutsideSimulationHeap() = default;
std::uint64_t simulation_heap_bytes() {
  return 0;
}

#else

namespace {

/// Far from where the kernel puts programs, libraries and stacks.
constexpr std::uintptr_t kBase = 0x2000'0000'0000;
/// Up to here a class for every 16 bytes, then four between a power of two and the next: a block is
/// at most a quarter larger than what was asked for.
constexpr int kFineBits = 10;
constexpr std::size_t kFineBytesMax = std::size_t{1} << kFineBits;
constexpr int kQuarterBits = 2;
constexpr std::size_t kStep = 16;
constexpr std::size_t kFineClasses = kFineBytesMax / kStep;
/// Each class has a range of its own, so that no class moves another's blocks. Address space, not
/// memory: pages count when they are first touched.
constexpr std::size_t kClassBytes = std::size_t{8} << 30;
constexpr std::size_t kClasses =
    kFineClasses + ((std::bit_width(kClassBytes / kFineBytesMax) - 1) << kQuarterBits);

struct FreeBlock {
  FreeBlock* next;
};

struct Heap {
  bool mapped = false;
  std::uint64_t bytes = 0;
  std::array<FreeBlock*, kClasses> free{};
  std::array<std::size_t, kClasses> used{};  ///< bytes of the class's range handed out so far
};

// Not in a class of their own: operator new is called before any constructor has run.
constinit Heap heap;
constinit thread_local bool inside = false;

std::size_t class_of(std::size_t bytes) {
  if (bytes <= kFineBytesMax) return bytes == 0 ? 0 : (bytes - 1) / kStep;
  const int power =
      static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t quarter = ((bytes - 1) >> (power - kQuarterBits)) % (1 << kQuarterBits);
  return kFineClasses + (static_cast<std::size_t>(power - kFineBits) << kQuarterBits) + quarter;
}

std::size_t bytes_of(std::size_t size_class) {
  if (size_class < kFineClasses) return (size_class + 1) * kStep;
  const std::size_t beyond = size_class - kFineClasses;
  const std::size_t quarters = (1 << kQuarterBits) + beyond % (1 << kQuarterBits) + 1;
  return quarters << (kFineBits - kQuarterBits + (beyond >> kQuarterBits));
}

bool map_range() {
  void* const wanted = reinterpret_cast<void*>(kBase);
  void* const got = mmap(wanted, kClasses * kClassBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  return got == wanted;
}

void* take(std::size_t size) {
  const std::size_t size_class = class_of(size);
  if (size_class >= kClasses) throw std::bad_alloc();
  if (!heap.mapped && !(heap.mapped = map_range())) throw std::bad_alloc();
  const std::size_t bytes = bytes_of(size_class);
  heap.bytes += bytes;
  if (FreeBlock* const block = heap.free[size_class]) {  // the last one freed: still in the cache
    heap.free[size_class] = block->next;
    return block;
  }
  std::size_t& used = heap.used[size_class];
  if (used + bytes > kClassBytes) throw std::bad_alloc();
  const std::uintptr_t block = kBase + size_class * kClassBytes + used;
  used += bytes;
  return reinterpret_cast<void*>(block);
}

bool is_ours(const void* block) {
  return reinterpret_cast<std::uintptr_t>(block) - kBase < kClasses * kClassBytes;
}

void give_back(void* block) {
  const std::size_t size_class = (reinterpret_cast<std::uintptr_t>(block) - kBase) / kClassBytes;
  heap.bytes -= bytes_of(size_class);
  auto* const freed = static_cast<FreeBlock*>(block);
  freed->next = heap.free[size_class];
  heap.free[size_class] = freed;
}

}  // namespace

SimulationHeapScope::SimulationHeapScope() : outer_(inside) {
  inside = true;
}

SimulationHeapScope::~SimulationHeapScope() {
  inside = outer_;
}

OutsideSimulationHeap::OutsideSimulationHeap() : outer_(inside) {
  inside = false;
}

OutsideSimulationHeap::~OutsideSimulationHeap() {
  inside = outer_;
}

std::uint64_t simulation_heap_bytes() {
  return heap.bytes;
}

#endif

}  // namespace kadwire::testnet

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void* operator new(std::size_t size) {
  using namespace kadwire::testnet;
  if (inside) return take(size);
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}

void* operator new[](std::size_t size) {
  return operator new(size);
}

void operator delete(void* block) noexcept {
  using namespace kadwire::testnet;
  if (is_ours(block)) return give_back(block);
  std::free(block);
}

void operator delete[](void* block) noexcept {
  operator delete(block);
}

void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}

void operator delete[](void* block, std::size_t) noexcept {
  operator delete(block);
}

#endif
