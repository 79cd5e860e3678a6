#include "crypto/secret_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <type_traits>
#include <vector>

#include "crypto/locked_pool.h"

namespace kadwire::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>, "a copy is made with clone(), by name");

TEST(SecretBytes, StartsAsZeroes) {
  const SecretBytes secret(48);
  EXPECT_EQ(secret.size(), 48U);
  EXPECT_TRUE(std::ranges::all_of(secret.view(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(SecretBytes, HoldsACopyAndNotTheOriginal) {
  std::string original = "sixteen letters!";
  const SecretBytes secret = SecretBytes::copy_of(as_bytes(original));
  original[0] = 'X';
  EXPECT_EQ(as_text(secret.view()), "sixteen letters!");
  const SecretBytes clone = secret.clone();
  EXPECT_NE(clone.view().data(), secret.view().data());
  EXPECT_TRUE(clone.equals(secret.view()));
}

TEST(SecretBytes, IsEmptyAfterItWasMovedFrom) {
  SecretBytes first = SecretBytes::copy_of(as_bytes("secret"));
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_TRUE(first.view().empty());
  first = std::move(second);
  EXPECT_EQ(as_text(first.view()), "secret");
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(SecretBytes, EqualsOnlyTheSameBytesOfTheSameLength) {
  const SecretBytes secret = SecretBytes::copy_of(as_bytes("secret"));
  EXPECT_TRUE(secret.equals(as_bytes("secret")));
  EXPECT_FALSE(secret.equals(as_bytes("secreT")));
  EXPECT_FALSE(secret.equals(as_bytes("secret ")));
  EXPECT_FALSE(secret.equals({}));
  EXPECT_TRUE(SecretBytes().equals({}));
}

TEST(SecretBytesDeathTest, ALargeOneCannotBeReadPastItsEnd) {
  const SecretBytes secret(256);
  const std::byte* past_the_end = secret.view().data() + secret.size();
  EXPECT_DEATH({ [[maybe_unused]] volatile std::byte leaked = *past_the_end; }, "");
}

TEST(SecretBytes, LeavesNothingToTheNextOne) {
  const std::byte* storage = nullptr;
  {
    const SecretBytes secret = SecretBytes::copy_of(as_bytes("secret"));
    storage = secret.view().data();
  }
  const SecretBytes next(kPoolSlotBytes);
  EXPECT_EQ(next.view().data(), storage) << "else this test looks at another place";
  EXPECT_TRUE(std::ranges::all_of(next.view(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(SecretBytes, AreManyWithFewMappings) {
  const auto mappings = [] {
    std::ifstream maps("/proc/self/maps");
    return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
  };
  const auto before = mappings();
  std::vector<SecretBytes> secrets;
  for (int i = 0; i < 10'000; ++i) secrets.emplace_back(32);
  EXPECT_LT(mappings() - before, 500);
}

TEST(Wipe, ZeroesBytesAndEmptiesText) {
  Bytes bytes(4, std::byte{0xaa});
  wipe(bytes);
  EXPECT_EQ(bytes, Bytes(4));

  std::string text = "a long passphrase that is not kept inside the string object";
  const char* storage = text.data();
  const std::size_t length = text.size();
  text.resize(3);  // what a caller shortened is wiped to its full capacity
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(storage, length), std::string(length, '\0'));
}

}  // namespace
}  // namespace kadwire::crypto
