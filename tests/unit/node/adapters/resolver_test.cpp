#include "node/adapters/resolver.h"

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>

#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;
using kadwire::testing::run_until;

const IpAddress kFirst = *IpAddress::parse("192.0.2.1");
const IpAddress kSecond = *IpAddress::parse("2001:db8::1");

/// A name server that answers once it is told to.
class SlowNameServer {
 public:
  Resolver::Lookup lookup() {
    return [answer = answer_.get_future().share(), asked = asked_](const std::string&) {
      ++*asked;
      answer.wait();
      return tl::expected<std::vector<IpAddress>, ResolveError>(std::vector{kFirst});
    };
  }
  void answer() { answer_.set_value(); }
  [[nodiscard]] std::size_t asked() const { return *asked_; }

 private:
  std::promise<void> answer_;
  std::shared_ptr<std::atomic<std::size_t>> asked_ = std::make_shared<std::atomic<std::size_t>>(0);
};

class ResolverTest : public ::testing::Test {
 protected:
  Resolver::Handler keep() {
    return [this](Resolver::Result result) { results_.push_back(std::move(result)); };
  }
  bool answered(std::size_t count = 1, std::chrono::milliseconds limit = 2s) {
    return run_until(
        context_, [&] { return results_.size() >= count; }, limit);
  }

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::vector<Resolver::Result> results_;
};

TEST_F(ResolverTest, AnswersNumericAddressesWithoutALookupAndNeverFromInside) {
  Resolver resolver(context_, [](const std::string&) {
    ADD_FAILURE() << "looked up";
    return tl::expected<std::vector<IpAddress>, ResolveError>();
  });
  resolver.resolve("2001:db8::1", 4222, keep());
  EXPECT_TRUE(results_.empty());
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].value(), (std::vector{Endpoint{kSecond, 4222}}));
}

TEST_F(ResolverTest, GivesEveryAddressOfANameItsPort) {
  Resolver resolver(context_, [](const std::string& host) {
    EXPECT_EQ(host, "bootstrap.example");
    return tl::expected<std::vector<IpAddress>, ResolveError>(std::vector{kSecond, kFirst});
  });
  resolver.resolve("bootstrap.example", 4222, keep());
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].value(), (std::vector{Endpoint{kSecond, 4222}, Endpoint{kFirst, 4222}}));
}

TEST_F(ResolverTest, PassesTheErrorOn) {
  Resolver resolver(context_, [](const std::string&) {
    return tl::expected<std::vector<IpAddress>, ResolveError>(
        tl::unexpected(ResolveError{"no such host."}));
  });
  resolver.resolve("nowhere.example", 1, keep());
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].error().message, "no such host.");
}

TEST_F(ResolverTest, EndsAtOnceWhileALookupHangsAndDropsItsAnswer) {
  SlowNameServer server;
  auto resolver = std::make_unique<Resolver>(context_, server.lookup());
  resolver->resolve("slow.example", 1, keep());
  const auto began = std::chrono::steady_clock::now();
  resolver.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 100ms);
  server.answer();
  EXPECT_FALSE(answered(1, 50ms));
}

TEST_F(ResolverTest, RunsAFewLookupsAtOnceAndRefusesWhatTheQueueCannotHold) {
  SlowNameServer server;
  Resolver resolver(context_, server.lookup());
  constexpr std::size_t kAccepted = kLookupsUnderWayMax + kLookupsQueuedMax;
  for (std::size_t i = 0; i <= kAccepted; ++i) resolver.resolve("slow.example", 1, keep());
  ASSERT_TRUE(answered(1));
  EXPECT_FALSE(results_[0]);
  EXPECT_LE(server.asked(), kLookupsUnderWayMax);

  server.answer();
  ASSERT_TRUE(answered(1 + kAccepted));
  EXPECT_EQ(server.asked(), kAccepted);
  for (std::size_t i = 1; i < results_.size(); ++i) EXPECT_TRUE(results_[i]);
}

TEST_F(ResolverTest, AsksTheSystemForNamesItKnowsItself) {
  Resolver resolver(context_);
  resolver.resolve("localhost", 7, keep());
  ASSERT_TRUE(answered());
  ASSERT_TRUE(results_[0]) << results_[0].error().message;
  for (const Endpoint& endpoint : *results_[0]) EXPECT_TRUE(endpoint.address.is_loopback());
}

TEST_F(ResolverTest, NamesTheHostThatCannotBeResolved) {
  const auto addresses = Resolver::system_lookup("not a host name");
  ASSERT_FALSE(addresses);
  EXPECT_NE(addresses.error().message.find("not a host name"), std::string::npos);
}

}  // namespace
}  // namespace kadwire::node
