/// Linked into each test program that uses crypto/: starts the libraries before the first test, as
/// main does in production.

#include <gtest/gtest.h>

#include "crypto/secret_bytes.h"

namespace {

class StartCrypto final : public ::testing::Environment {
 public:
  void SetUp() override { kadwire::crypto::initialise(); }
};

// GoogleTest owns and deletes the environment.
[[maybe_unused]] const auto* const kRegistered =
    ::testing::AddGlobalTestEnvironment(new StartCrypto);

}  // namespace
