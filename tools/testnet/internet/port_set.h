#pragma once

/// A set of external ports that finds the next free one fast, however full it is.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kadwire::testnet {

/// Ports below are for services; real boxes give none of them away (RFC 4787 REQ-3).
inline constexpr std::uint16_t kExternalPortMin = 1024;
inline constexpr std::size_t kExternalPorts = 65536 - kExternalPortMin;

class PortSet {
 public:
  void insert(std::uint16_t port) {
    if (words_.empty()) reserve_service_ports();
    words_[port / 64] |= bit(port);
  }
  void erase(std::uint16_t port) { words_[port / 64] &= ~bit(port); }
  void clear() { words_.clear(); }
  [[nodiscard]] bool contains(std::uint16_t port) const {
    return !words_.empty() && (words_[port / 64] & bit(port)) != 0;
  }
  /// The first that is not in the set, from `start` up and round to where it began; with
  /// `same_parity` odd or even as `start` is. nullopt: there is none. `start` is no service port.
  [[nodiscard]] std::optional<std::uint16_t> next_free(std::uint16_t start,
                                                       bool same_parity) const {
    if (!contains(start)) return start;
    const std::uint64_t eligible = !same_parity ? ~0ULL : start % 2 == 0 ? kEven : ~kEven;
    // One word more than there are: of the first, what lies before `start` comes last.
    for (std::size_t i = 0; i <= kWords; ++i) {
      const std::size_t word = (start / 64 + i) % kWords;
      const std::uint64_t behind_start = i == 0 ? ~0ULL << start % 64 : ~0ULL;
      const std::uint64_t free = ~words_[word] & eligible & behind_start;
      if (free != 0) {
        return static_cast<std::uint16_t>(word * 64 +
                                          static_cast<std::size_t>(std::countr_zero(free)));
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kWords = 65536 / 64;
  static constexpr std::uint64_t kEven = 0x5555'5555'5555'5555;

  [[nodiscard]] static std::uint64_t bit(std::uint16_t port) { return 1ULL << port % 64; }
  void reserve_service_ports() {
    words_.assign(kWords, 0);
    for (std::size_t i = 0; i < kExternalPortMin / 64; ++i) words_[i] = ~0ULL;
  }

  std::vector<std::uint64_t> words_;  ///< empty until something is in it
};

}  // namespace kadwire::testnet
