#include "node/base/queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

namespace kadwire {
namespace {

TEST(Queue, GivesBackInOrderWhatCameAtAnyTime) {
  Queue<int> queue;
  int next_in = 0, next_out = 0;
  for (int round = 1; round < 20; ++round) {
    for (int i = 0; i < round; ++i) queue.push_back(next_in++);
    for (int i = 0; i < round - 1; ++i) EXPECT_EQ(take_front(queue), next_out++);
    EXPECT_EQ(queue.size(), static_cast<std::size_t>(round));
  }
  while (const auto taken = take_front(queue)) EXPECT_EQ(*taken, next_out++);
  EXPECT_EQ(next_out, next_in);
  EXPECT_TRUE(queue.empty());
}

TEST(Queue, ShowsWhatIsStillInIt) {
  Queue<int> queue;
  for (int i = 0; i < 5; ++i) queue.push_back(i);
  queue.pop_front();
  EXPECT_EQ(std::vector<int>(queue.begin(), queue.end()), (std::vector{1, 2, 3, 4}));
}

/// Counts those that are somewhere.
struct Counted {
  std::shared_ptr<int> token;
};

TEST(Queue, KeepsNothingOfWhatWasTaken) {
  const auto token = std::make_shared<int>();
  Queue<Counted> queue;
  for (int i = 0; i < 1000; ++i) {
    queue.push_back({token});
    if (i >= 8) queue.pop_front();
    EXPECT_LE(token.use_count(), 1 + 2 * 9);
  }
  while (!queue.empty()) queue.pop_front();
  EXPECT_EQ(token.use_count(), 1);
}

TEST(TakeFront, TellsAnEmptyQueueFromOneThatIsNot) {
  std::deque<std::unique_ptr<int>> queue;
  EXPECT_FALSE(take_front(queue));
  queue.push_back(std::make_unique<int>(7));
  const auto taken = take_front(queue);
  ASSERT_TRUE(taken);
  EXPECT_EQ(**taken, 7);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace kadwire
