#include "tools/testnet/commands/worker_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace kadwire::testnet {
namespace {

const JobProgress kGoOn = [](std::size_t) { return true; };

TEST(WorkerPool, BringsEachJobsTextBackInItsPlace) {
  const auto results = run_jobs(
      20, 3, [](std::size_t number) { return std::to_string(number * number); }, kGoOn);
  ASSERT_EQ(results.size(), 20U);
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(*results[i], std::to_string(i * i));
}

TEST(WorkerPool, CarriesTextsLargerThanAPipe) {
  const std::string large(5'000'000, 'x');
  const auto results = run_jobs(
      3, 2, [&](std::size_t) { return large; }, kGoOn);
  for (const auto& result : results) EXPECT_EQ(*result, large);
}

TEST(WorkerPool, SurvivesAJobThatCrashes) {
  const auto job = [](std::size_t number) -> std::string {
    if (number == 1) kill(getpid(), SIGKILL);
    return "fine";
  };
  const auto results = run_jobs(3, 2, job, kGoOn);
  EXPECT_EQ(*results[0], "fine");
  ASSERT_TRUE(results[1].has_value() && !results[1]->has_value());
  EXPECT_NE(results[1]->error().find("Killed"), std::string::npos);
  EXPECT_EQ(*results[2], "fine");
}

TEST(WorkerPool, StartsNoMoreJobsOnceToldToStop) {
  const auto results = run_jobs(
      50, 1, [](std::size_t) { return std::string("done"); },
      [](std::size_t done) { return done < 2; });
  EXPECT_TRUE(results.front().has_value());
  EXPECT_FALSE(results.back().has_value());
}

TEST(WorkerPool, EndsJobsUnderWayOnceToldToStop) {
  const auto job = [](std::size_t number) -> std::string {
    if (number == 1) sleep(600);
    return "done";
  };
  const auto results = run_jobs(3, 2, job, [](std::size_t done) { return done < 2; });
  EXPECT_EQ(*results[0], "done");
  EXPECT_FALSE(results[1].has_value());
  EXPECT_EQ(*results[2], "done");
}

TEST(WorkerPool, LetsNoCtrlCReachAJob) {
  const auto job = [](std::size_t) -> std::string {
    raise(SIGINT);
    return "goes on";
  };
  EXPECT_EQ(*run_jobs(1, 1, job, kGoOn).front(), "goes on");
}

TEST(WorkerPool, GivesEveryJobTheProcessAsItWas) {
  int counter = 0;
  const auto job = [&](std::size_t) { return std::to_string(++counter); };
  for (const auto& result : run_jobs(5, 2, job, kGoOn)) EXPECT_EQ(*result, "1");
  EXPECT_EQ(counter, 0);
}

}  // namespace
}  // namespace kadwire::testnet
