#include "node/adapters/upnp_port_mapper.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/executor_work_guard.hpp>
#include <asio/signal_set.hpp>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::node {
namespace {

using namespace std::chrono_literals;
using kadwire::testing::run_until;
using rendezvous::UpnpError;
using rendezvous::UpnpGrant;
using rendezvous::UpnpRequest;
using rendezvous::UpnpResult;

const IpAddress kExternal = *IpAddress::parse("203.0.113.5");
const std::string kUrl = "http://192.168.1.1:5000/rootDesc.xml";

UpnpRequest request(std::uint64_t id) {
  UpnpRequest request;
  request.id = id;
  request.gateway = *IpAddress::parse("192.168.1.1");
  request.external_port = 51820;
  return request;
}

UpnpReply grant(const UpnpRequest& asked, const std::string& /*known_url*/) {
  return {UpnpGrant{kExternal, asked.external_port}, kUrl};
}

class UpnpPortMapperTest : public ::testing::Test {
 protected:
  void make(UpnpPortMapper::Errand errand, std::chrono::milliseconds errand_max = 5s) {
    mapper_ = std::make_unique<UpnpPortMapper>(context_, std::move(errand), errand_max);
    mapper_->start([this](const UpnpResult& result) { results_.push_back(result); });
  }
  bool answered(std::size_t count = 1) {
    return run_until(
        context_, [&] { return results_.size() >= count; }, 5s);
  }
  void expect_no_gateway(std::size_t index = 0) {
    ASSERT_FALSE(results_.at(index).outcome.has_value());
    EXPECT_EQ(results_[index].outcome.error(), UpnpError::kNoGateway);
  }
  static bool has_children() { return waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::unique_ptr<UpnpPortMapper> mapper_;
  std::vector<UpnpResult> results_;
};

TEST_F(UpnpPortMapperTest, BringsTheChildsGrantAndNeverFromInside) {
  make(grant);
  mapper_->request(request(7));
  EXPECT_TRUE(results_.empty());
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].id, 7U);
  ASSERT_TRUE(results_[0].outcome.has_value());
  EXPECT_EQ(results_[0].outcome->external, kExternal);
  EXPECT_EQ(results_[0].outcome->external_port, 51820);
  EXPECT_FALSE(has_children());
}

TEST_F(UpnpPortMapperTest, PassesEachErrorOnAndAnUnknownAddress) {
  make([](const UpnpRequest& asked, const std::string&) -> UpnpReply {
    if (asked.id == 3) return {UpnpGrant{std::nullopt, 1}, {}};
    return {tl::unexpected(static_cast<UpnpError>(asked.id)), {}};
  });
  for (std::uint64_t id = 0; id <= 3; ++id) mapper_->request(request(id));
  ASSERT_TRUE(answered(4));
  for (std::uint64_t id = 0; id < 3; ++id) {
    EXPECT_EQ(results_[id].outcome.error(), static_cast<UpnpError>(id));
  }
  EXPECT_EQ(results_[3].outcome->external, std::nullopt);
}

TEST_F(UpnpPortMapperTest, RemembersWhereThisGatewayDescribesItself) {
  make([](const UpnpRequest&, const std::string& known_url) -> UpnpReply {
    return {UpnpGrant{std::nullopt, static_cast<std::uint16_t>(known_url == kUrl ? 2 : 1)}, kUrl};
  });
  UpnpRequest elsewhere = request(3);
  elsewhere.gateway = *IpAddress::parse("10.0.0.1");
  mapper_->request(request(1));
  mapper_->request(request(2));
  mapper_->request(elsewhere);
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(results_[0].outcome->external_port, 1);
  EXPECT_EQ(results_[1].outcome->external_port, 2);
  EXPECT_EQ(results_[2].outcome->external_port, 1);
}

TEST_F(UpnpPortMapperTest, EndsAnErrandThatHangsAndGoesOnWithTheNext) {
  make(
      [](const UpnpRequest& asked, const std::string& known_url) {
        while (asked.id == 1) pause();
        return grant(asked, known_url);
      },
      50ms);
  mapper_->request(request(1));
  mapper_->request(request(2));
  ASSERT_TRUE(answered(2));
  expect_no_gateway(0);
  EXPECT_TRUE(results_[1].outcome.has_value());
  EXPECT_FALSE(has_children());
}

TEST_F(UpnpPortMapperTest, SurvivesAnErrandThatCrashesOrThrows) {
  make([](const UpnpRequest& asked, const std::string&) -> UpnpReply {
    if (asked.id == 1) raise(SIGKILL);
    if (asked.id == 2) raise(SIGTERM);
    throw std::bad_alloc();
  });
  for (std::uint64_t id = 1; id <= 3; ++id) mapper_->request(request(id));
  ASSERT_TRUE(answered(3));
  for (std::size_t i = 0; i < 3; ++i) expect_no_gateway(i);
}

TEST_F(UpnpPortMapperTest, EndsAnErrandThatTakesAllMemory) {
  make([](const UpnpRequest& asked, const std::string& known_url) {
    std::vector<std::vector<char>> taken;
    while (taken.size() < 1024) taken.emplace_back(1U << 20U, 'x');  // 1 GiB in all
    return grant(asked, known_url);
  });
  mapper_->request(request(1));
  ASSERT_TRUE(answered());
  expect_no_gateway();
}

TEST_F(UpnpPortMapperTest, AChildThatIsSignalledDoesNotSignalUs) {
  asio::signal_set signals(context_, SIGTERM);
  bool signalled = false;
  signals.async_wait([&](const std::error_code& error, int) { signalled = !error; });
  make([](const UpnpRequest& asked, const std::string& known_url) {
    raise(SIGTERM);
    return grant(asked, known_url);
  });
  mapper_->request(request(1));
  ASSERT_TRUE(answered());
  expect_no_gateway();
  context_.poll();
  EXPECT_FALSE(signalled);
}

TEST_F(UpnpPortMapperTest, AChildHasNoPrivileges) {
  if (geteuid() != 0) GTEST_SKIP() << "There is nothing to drop without root.";
  make([](const UpnpRequest&, const std::string&) -> UpnpReply {
    const bool harmless = geteuid() != 0 && getegid() != 0 && setuid(0) != 0;
    return {UpnpGrant{std::nullopt, static_cast<std::uint16_t>(harmless ? 1 : 2)}, {}};
  });
  mapper_->request(request(1));
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].outcome->external_port, 1);
}

TEST_F(UpnpPortMapperTest, AnswersARequestTooManyWithAnError) {
  make([](const UpnpRequest& asked, const std::string& known_url) {
    while (true) pause();
    return grant(asked, known_url);
  });
  for (std::uint64_t id = 0; id <= kUpnpRequestsQueuedMax; ++id) mapper_->request(request(id));
  ASSERT_TRUE(answered());
  EXPECT_EQ(results_[0].id, kUpnpRequestsQueuedMax);
  expect_no_gateway();
}

TEST_F(UpnpPortMapperTest, EndsItsChildAndStaysSilentAfterItsDestruction) {
  make([](const UpnpRequest& asked, const std::string& known_url) {
    while (true) pause();
    return grant(asked, known_url);
  });
  mapper_->request(request(1));
  mapper_.reset();
  EXPECT_FALSE(has_children());
  context_.poll();
  EXPECT_TRUE(results_.empty());
}

TEST(UpnpGateway, IsOnlyBelievedAboutItself) {
  const IpAddress gateway = *IpAddress::parse("192.168.1.1");
  EXPECT_TRUE(is_http_at("http://192.168.1.1:5000/rootDesc.xml", gateway));
  EXPECT_TRUE(is_http_at("http://192.168.1.1/", gateway));
  for (const char* url :
       {"http://192.168.1.10:5000/", "http://192.168.1.1", "https://192.168.1.1/",
        "http://192.168.1.1:x@203.0.113.9/", "http://192.168.1.1.example/", "", "http://"}) {
    EXPECT_FALSE(is_http_at(url, gateway)) << url;
  }
}

}  // namespace
}  // namespace kadwire::node
