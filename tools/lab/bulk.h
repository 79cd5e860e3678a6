#pragma once

/// How much TCP carries from one host to another in some seconds: one connection, one direction,
/// as fast as it goes. One thread serves both ends, and needs far less than what is measured.

#include <chrono>
#include <cstdint>

#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "tools/lab/host.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

/// The receiver's port.
inline constexpr std::uint16_t kBulkPort = 5201;

struct Bulk {
  std::uint64_t bytes = 0;  ///< that the receiver read
  Duration time{0};
  [[nodiscard]] double bits_per_second() const {
    return 8.0 * static_cast<double>(bytes) / std::chrono::duration<double>(time).count();
  }
};

/// A connection that is in full flow.
class BulkFlow {
 public:
  /// Connects to `address`, which is `to`'s, and lets `warm_up` pass: slow start. Both must outlive
  /// this.
  [[nodiscard]] static Expected<BulkFlow> start(const Host& from, const Host& to,
                                                const IpAddress& address, Duration warm_up);
  /// What arrives from now on.
  [[nodiscard]] Expected<Bulk> run(Duration time);

 private:
  BulkFlow(node::UniqueFd sender, node::UniqueFd receiver)
      : sender_(std::move(sender)), receiver_(std::move(receiver)) {}
  node::UniqueFd sender_, receiver_;
};

}  // namespace kadwire::lab
