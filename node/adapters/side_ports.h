#pragma once

/// Holds a block of UDP ports on both families, so that nobody else on this host is given one and
/// the kernel answers nothing that arrives there with "port unreachable", at which a NAT on the way
/// may close. Reads nothing from them. Private to the adapters.

#include <cstdint>
#include <optional>
#include <vector>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {

class SidePorts {
 public:
  SidePorts() = default;  ///< holds none
  /// As many of the `count` ports from `first` on as are free, one descriptor each. The sockets
  /// stay in the network namespace that this is called in.
  SidePorts(std::uint16_t first, std::uint16_t count);
  /// A block of `count` ports, all of them free; nullopt: found none, or there are not that many
  /// descriptors. Of those that the system gives to nobody by itself, if there are any.
  [[nodiscard]] static std::optional<SidePorts> find(std::uint16_t count);
  [[nodiscard]] std::uint16_t first() const { return first_; }
  [[nodiscard]] std::size_t held() const { return sockets_.size(); }

 private:
  std::uint16_t first_ = 0;
  std::vector<UniqueFd> sockets_;
};

}  // namespace kadwire::node
