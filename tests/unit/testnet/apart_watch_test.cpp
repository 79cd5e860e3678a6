#include "tools/testnet/apart_watch.h"

#include <gtest/gtest.h>

namespace kadwire::testnet {
namespace {

TEST(ApartWatch, KnowsOfNoSeparationWhereThereWasNone) {
  ApartWatch watch;
  watch.end(0, 1, 5s);
  EXPECT_FALSE(watch.longest(10s));
}

TEST(ApartWatch, KeepsTheLongestOfThoseThatEnded) {
  ApartWatch watch;
  watch.begin(0, 1, 10s);
  watch.end(0, 1, 13s);
  watch.begin(0, 2, 20s);
  watch.end(0, 2, 22s);
  const auto longest = watch.longest(1h);
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->b, 1U);
  EXPECT_EQ(longest->began, 10s);
  EXPECT_EQ(longest->lasted, 3s);
}

TEST(ApartWatch, CountsWhatStillLasts) {
  ApartWatch watch;
  watch.begin(0, 1, 10s);
  watch.end(0, 1, 13s);
  watch.begin(1, 2, 20s);
  EXPECT_EQ(watch.longest(22s)->lasted, 3s);
  EXPECT_EQ(watch.longest(24s)->lasted, 4s);
  EXPECT_EQ(watch.longest(24s)->a, 1U);
}

TEST(ApartWatch, BeginsAPairAnewEachTime) {
  ApartWatch watch;
  watch.begin(0, 1, 10s);
  watch.end(0, 1, 11s);
  watch.begin(0, 1, 100s);
  watch.end(0, 1, 105s);
  EXPECT_EQ(watch.longest(1h)->lasted, 5s);
  EXPECT_EQ(watch.longest(1h)->began, 100s);
}

}  // namespace
}  // namespace kadwire::testnet
