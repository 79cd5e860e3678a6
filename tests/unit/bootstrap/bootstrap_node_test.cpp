#include "tools/bootstrap/bootstrap_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "rendezvous/stun_message.h"

namespace kadwire::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Endpoint kStranger = *Endpoint::parse("192.0.2.1:5000");

/// Holds one wish, and a clock that only the test moves.
class ManualScheduler final : public node::Scheduler {
 public:
  [[nodiscard]] Now now() const override { return {time, {}}; }
  void wake_at(TimePoint when, std::function<void()> wake) override {
    due_ = when;
    wake_ = std::move(wake);
  }
  void cancel() override { wake_ = nullptr; }
  [[nodiscard]] TimePoint due() const { return due_; }
  void run_due() {
    time = due_;
    std::exchange(wake_, nullptr)();
  }
  TimePoint time{1h};

 private:
  TimePoint due_;
  std::function<void()> wake_;
};

class RecordingSocket final : public node::DatagramSocket {
 public:
  void start(Handler handler) override { deliver = std::move(handler); }
  void send(const Transmit& transmit) override { sent.push_back(transmit); }
  [[nodiscard]] std::uint16_t local_port() const override { return 4222; }
  Handler deliver;
  std::vector<Transmit> sent;
};

class RecordingStun final : public node::StunPort {
 public:
  void start(Handler handler) override { deliver = std::move(handler); }
  void send(const rendezvous::StunReply& reply) override { sent.push_back(reply); }
  Handler deliver;
  std::vector<rendezvous::StunReply> sent;
};

/// Echoes each datagram, and does what the test says.
class ScriptedDirectory final : public dht::Directory {
 public:
  void request(Now, dht::DirectoryRequest) override {}
  void set_bootstrap(Now, std::span<const Endpoint> endpoints) override {
    bootstrap.assign(endpoints.begin(), endpoints.end());
  }
  void handle_datagram(Now, const Endpoint& from, ByteView datagram) override {
    transmits.push_back({from, {datagram.begin(), datagram.end()}});
  }
  void handle_timeout(Now) override {
    ++timeouts;
    due = std::nullopt;
  }
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override { return due; }
  [[nodiscard]] std::optional<Transmit> poll_transmit() override { return take(transmits); }
  [[nodiscard]] std::optional<dht::DirectoryEvent> poll_event() override { return take(events); }
  [[nodiscard]] std::vector<dht::KnownNode> known_nodes() const override { return known; }
  [[nodiscard]] dht::DirectoryStats stats() const override { return {}; }

  std::vector<Endpoint> bootstrap;
  std::deque<Transmit> transmits;
  std::deque<dht::DirectoryEvent> events;
  std::vector<dht::KnownNode> known;
  std::optional<TimePoint> due;
  int timeouts = 0;

 private:
  template <typename Item>
  static std::optional<Item> take(std::deque<Item>& queue) {
    if (queue.empty()) return std::nullopt;
    Item item = std::move(queue.front());
    queue.pop_front();
    return item;
  }
};

class BootstrapNodeTest : public ::testing::Test {
 protected:
  ManualScheduler scheduler_;
  ScriptedDirectory directory_;
  RecordingSocket dht_socket_;
  RecordingStun stun_;
  std::vector<std::size_t> saved_;  ///< how many nodes, each time
  std::vector<bool> connectivity_;
  BootstrapNode node_{{scheduler_, directory_, dht_socket_, &stun_},
                      [this](auto nodes) { saved_.push_back(nodes.size()); },
                      [this](bool connected) { connectivity_.push_back(connected); }};
};

TEST_F(BootstrapNodeTest, BringsDatagramsToTheDirectoryAndItsAnswersBack) {
  node_.start();
  dht_socket_.deliver(kStranger, as_bytes("query"));
  ASSERT_EQ(dht_socket_.sent.size(), 1U);
  EXPECT_EQ(dht_socket_.sent[0].to, kStranger);
  EXPECT_EQ(as_text(dht_socket_.sent[0].payload), "query");
}

TEST_F(BootstrapNodeTest, AnswersStunOnItsOwnSocket) {
  node_.start();
  const auto request =
      rendezvous::StunWriter(rendezvous::StunClass::kRequest, rendezvous::kStunBinding, {});
  const Endpoint own = *Endpoint::parse("198.51.100.1:3478");
  stun_.deliver(kStranger, {own, 3479}, rendezvous::StunWriter(request).take());
  ASSERT_EQ(stun_.sent.size(), 1U);
  EXPECT_EQ(stun_.sent[0].source, own);
  EXPECT_EQ(stun_.sent[0].transmit.to, kStranger);
  EXPECT_EQ(node_.stun_stats().answered, 1U);
  EXPECT_THAT(dht_socket_.sent, IsEmpty());
}

TEST_F(BootstrapNodeTest, NeedsNoStunSocket) {
  BootstrapNode without(
      {scheduler_, directory_, dht_socket_}, [](auto) {}, [](bool) {});
  without.start();
  dht_socket_.deliver(kStranger, as_bytes("query"));
  EXPECT_EQ(dht_socket_.sent.size(), 1U);
}

TEST_F(BootstrapNodeTest, WakesTheDirectoryWhenItIsDue) {
  directory_.due = scheduler_.time + 5s;
  node_.start();
  EXPECT_EQ(scheduler_.due(), scheduler_.time + 5s);
  scheduler_.run_due();
  EXPECT_EQ(directory_.timeouts, 1);
}

TEST_F(BootstrapNodeTest, SavesKnownNodesEveryTwoMinutes) {
  directory_.known.resize(3);
  node_.start();
  EXPECT_EQ(scheduler_.due(), scheduler_.time + kSaveInterval);
  scheduler_.run_due();
  EXPECT_THAT(saved_, ElementsAre(3));
  scheduler_.run_due();
  EXPECT_THAT(saved_, ElementsAre(3, 3));
}

TEST_F(BootstrapNodeTest, KeepsWhatWasSavedWhenItKnowsNobody) {
  node_.start();
  node_.save();
  EXPECT_THAT(saved_, IsEmpty());
}

TEST_F(BootstrapNodeTest, TellsWhetherAnybodyAnswers) {
  directory_.events.push_back(dht::ConnectivityChanged{true});
  directory_.events.push_back(dht::GetDone{});
  directory_.events.push_back(dht::ConnectivityChanged{false});
  node_.start();
  EXPECT_THAT(connectivity_, ElementsAre(true, false));
}

TEST_F(BootstrapNodeTest, HandsOnItsBootstrapAddresses) {
  node_.start();
  const std::vector<Endpoint> endpoints = {kStranger};
  node_.set_bootstrap(endpoints);
  EXPECT_THAT(directory_.bootstrap, ElementsAre(kStranger));
}

}  // namespace
}  // namespace kadwire::tools
