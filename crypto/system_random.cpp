#include "crypto/system_random.h"

#include <sodium.h>

namespace kadwire::crypto {

void SystemRandom::fill(std::span<std::byte> out) {
  randombytes_buf(out.data(), out.size());
}

}  // namespace kadwire::crypto
