#include "tools/testnet/nodes/sim_host.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/unit/testnet/virtual_run.h"
#include "tools/testnet/nodes/sim_ports.h"

namespace kadwire::testnet {
namespace {

constexpr SimHost::Classifier kAllDht = all_traffic<TrafficKind::kDht>;

class SimHostTest : public ::testing::Test {
 protected:
  SimHostTest() { restart_virtual_clock(kWallStartDefault); }

  void run_for(Duration duration) { testnet::run_for(queue_, duration); }
  [[nodiscard]] Endpoint endpoint_of(const SimHost& host, std::uint16_t port) const {
    return {internet_.addresses(host.id()).front().prefix.address, port};
  }

  EventQueue queue_{kWallStartDefault};
  Internet internet_{queue_, 1};
  SimHost a_{queue_, internet_, internet_.add_host({}), "a"};
  SimHost b_{queue_, internet_, internet_.add_host({}), "b"};
};

TEST_F(SimHostTest, CarriesADatagramToTheOtherHostsPort) {
  std::string got;
  Endpoint from;
  a_.open_port(1000, kAllDht, [](const Packet&) {});
  b_.open_port(2000, kAllDht, [&](const Packet& packet) {
    from = packet.from;
    got = as_text(packet.payload);
  });
  const ByteView text = as_bytes("hello");
  a_.send(1000, {endpoint_of(b_, 2000), Bytes(text.begin(), text.end())});
  run_for(1s);
  EXPECT_EQ(got, "hello");
  EXPECT_EQ(from, endpoint_of(a_, 1000));
  EXPECT_EQ(a_.sent()[0].packets, 1U);
  EXPECT_EQ(b_.received()[0].bytes, a_.sent()[0].bytes);
}

TEST_F(SimHostTest, CountsWhatItAnswersToDhtNodes) {
  a_.open_port(1000, kAllDht, [](const Packet&) {});
  a_.open_port(1001, all_traffic<TrafficKind::kStun>, [](const Packet&) {});
  const auto send = [&](std::uint16_t port, std::string_view text) {
    const ByteView bytes = as_bytes(text);
    a_.send(port, {endpoint_of(b_, 2000), Bytes(bytes.begin(), bytes.end())});
  };
  send(1000, "\xa1t\x07\xa1y\xa1r\xa1v\xa4RNG1");
  send(1000, "\xa1t\x07\xa1y\xa1q\xa1v\xa4RNG1");
  send(1000, "r");
  send(1001, "\xa1t\x07\xa1y\xa1r\xa1v\xa4RNG1");
  EXPECT_EQ(a_.dht_answers(), 1U);
}

TEST_F(SimHostTest, ShowsItsOwnClocksToWhatRunsOnIt) {
  a_.set_wrong_clock(-2min, 0);
  Now seen;
  a_.after(10s, [&] {
    seen = {std::chrono::steady_clock::now(),
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
  });
  run_for(20s);
  EXPECT_EQ(seen.steady, EventQueue::kStart + 10s);
  EXPECT_EQ(seen.wall, kWallStartDefault + 10s - 2min);
  EXPECT_EQ(virtual_now().wall, kWallStartDefault + 20s);  // outside, time is right
}

TEST_F(SimHostTest, DriftsAsItsClockDoes) {
  a_.set_wrong_clock(0ms, 1000);  // a millisecond a second
  run_for(100s);
  EXPECT_EQ(a_.now().wall, kWallStartDefault + 100s + 100ms);
}

TEST_F(SimHostTest, DelaysItsTimersByWhatItSlept) {
  std::vector<TimePoint> rang;
  a_.after(10s, [&] { rang.push_back(queue_.now()); });  // due while it sleeps
  a_.after(60s, [&] { rang.push_back(queue_.now()); });  // due after it woke
  run_for(5s);
  a_.sleep();
  run_for(30s);
  EXPECT_TRUE(rang.empty());
  a_.wake();
  run_for(60s);
  ASSERT_EQ(rang.size(), 2U);
  EXPECT_EQ(rang[0], EventQueue::kStart + 40s);
  EXPECT_EQ(rang[1], EventQueue::kStart + 90s);
}

TEST_F(SimHostTest, KeepsTheWallClockGoingInSleep) {
  a_.sleep();
  run_for(1h);
  a_.wake();
  EXPECT_EQ(a_.now().steady, EventQueue::kStart);
  EXPECT_EQ(a_.now().wall, kWallStartDefault + 1h);
}

TEST_F(SimHostTest, ShowsAClockThatStandsStillInSleep) {
  run_for(10s);
  a_.sleep();
  run_for(30s);
  EXPECT_EQ(a_.now().steady, EventQueue::kStart + 10s);
  EXPECT_EQ(a_.now().wall, kWallStartDefault + 40s);
}

TEST_F(SimHostTest, CountsATimerSetInItsSleepFromWhenItWakes) {
  TimePoint rang;
  a_.sleep();
  run_for(30s);
  a_.after(5s, [&] { rang = queue_.now(); });
  run_for(30s);
  a_.wake();
  run_for(30s);
  EXPECT_EQ(rang, EventQueue::kStart + 65s);
}

TEST_F(SimHostTest, HearsWhenItWakesWhatBefellItInSleep) {
  std::string order;
  a_.when_awake([&] { order += "awake "; });
  a_.after(10s, [&] { order += "timer "; });
  a_.sleep();
  run_for(30s);
  a_.when_awake([&] { order += "first "; });
  a_.when_awake([&] { order += "second "; });
  run_for(30s);
  EXPECT_EQ(order, "awake ");
  a_.wake();
  run_for(30s);
  EXPECT_EQ(order, "awake first second timer ");
}

TEST_F(SimHostTest, HearsThatItWokeAfterWhatBefellItAndHowLongItSlept) {
  std::string order;
  a_.set_on_wake([&](Duration asleep) {
    EXPECT_EQ(asleep, 40s);
    order += "woken ";
  });
  a_.sleep();
  a_.when_awake([&] { order += "moved "; });
  run_for(40s);
  a_.wake();
  EXPECT_EQ(order, "moved woken ");
  a_.sleep();
  run_for(10s);
  a_.set_on_wake(nullptr);
  a_.wake();
  EXPECT_EQ(order, "moved woken ");
}

TEST_F(SimHostTest, CountsItsSleepIntoTheAgeOfWhatWasBefore) {
  const TimePoint before = a_.now().steady;
  run_for(1s);
  a_.sleep();
  run_for(1h);
  a_.wake();
  run_for(2s);
  const TimePoint after = a_.now().steady;
  run_for(3s);
  EXPECT_EQ(a_.age(before), 1h + 6s);
  EXPECT_EQ(a_.age(after), 3s);
}

TEST_F(SimHostTest, HearsNothingInSleep) {
  int received = 0;
  a_.open_port(1000, kAllDht, [](const Packet&) {});
  b_.open_port(2000, kAllDht, [&](const Packet&) { ++received; });
  b_.sleep();
  a_.send(1000, {endpoint_of(b_, 2000), Bytes(10)});
  run_for(1s);
  b_.wake();
  run_for(1s);
  EXPECT_EQ(received, 0);
}

TEST_F(SimHostTest, LooksAtItsRulesAfterEveryEvent) {
  int looks = 0;
  a_.set_after_event([&] { ++looks; });
  a_.after(1s, [] {});
  a_.after(2s, [] {});
  run_for(3s);
  EXPECT_EQ(looks, 2);
}

TEST_F(SimHostTest, WakesASchedulerOnceAtItsLastWish) {
  SimScheduler scheduler(a_);
  std::vector<TimePoint> woken;
  const auto wake = [&] { woken.push_back(queue_.now()); };
  a_.run([&] {
    scheduler.wake_at(EventQueue::kStart + 5s, wake);
    scheduler.wake_at(EventQueue::kStart + 9s, wake);
    scheduler.wake_at(EventQueue::kStart + 7s, wake);
  });
  run_for(20s);
  ASSERT_EQ(woken.size(), 1U);
  EXPECT_EQ(woken.front(), EventQueue::kStart + 7s);
}

TEST_F(SimHostTest, WakesASchedulerEarlierWhenItsWishMovesForward) {
  SimScheduler scheduler(a_);
  TimePoint woken;
  a_.run([&] {
    scheduler.wake_at(EventQueue::kStart + 9s, [&] { woken = queue_.now(); });
    scheduler.wake_at(EventQueue::kStart + 2s, [&] { woken = queue_.now(); });
  });
  run_for(5s);
  EXPECT_EQ(woken, EventQueue::kStart + 2s);
}

TEST_F(SimHostTest, NeverWakesACancelledScheduler) {
  SimScheduler scheduler(a_);
  int woken = 0;
  a_.run([&] { scheduler.wake_at(EventQueue::kStart + 2s, [&] { ++woken; }); });
  scheduler.cancel();
  run_for(5s);
  EXPECT_EQ(woken, 0);
  EXPECT_FALSE(scheduler.due());
}

}  // namespace
}  // namespace kadwire::testnet
