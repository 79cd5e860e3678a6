#pragma once

/// Which hosts are cut apart: any number of cuts at a time, each between two sets of hosts.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace kadwire::testnet {

class Partitions {
 public:
  /// Cuts `left` from `right`, hosts by their index; an empty `right` is everyone who is not in
  /// `left`, whenever they come. `number` must not be in use.
  void cut(std::uint64_t number, std::span<const std::uint32_t> left,
           std::span<const std::uint32_t> right);
  /// `number` must be in use.
  void heal(std::uint64_t number);
  /// The same for both orders. Nobody is apart from himself.
  [[nodiscard]] bool separate(std::uint32_t a, std::uint32_t b) const;

 private:
  struct Cut {
    std::vector<bool> left;   ///< by host
    std::vector<bool> right;  ///< empty: everyone else
  };
  [[nodiscard]] static bool separates(const Cut& cut, std::uint32_t left, std::uint32_t right);

  std::map<std::uint64_t, Cut> cuts_;
};

}  // namespace kadwire::testnet
