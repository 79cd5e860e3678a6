#pragma once

#include "node/base/random.h"

namespace kadwire::crypto {

/// The kernel's generator through libsodium. The one RandomSource of production.
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace kadwire::crypto
