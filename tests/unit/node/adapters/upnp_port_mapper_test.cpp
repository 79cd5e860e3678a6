#include "node/adapters/upnp_port_mapper.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/executor_work_guard.hpp>
#include <asio/signal_set.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "node/adapters/unique_fd.h"
#include "tests/unit/node/adapters/event_loop.h"
#include "tests/unit/node/adapters/own_network.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A sanitizer's malloc may return nullptr, as everybody's: by default it would rather write a
// report first, for which there is no memory either, and hang.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

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
  /// With the errand_max of production, which outlasts answered(): an errand that hangs is a
  /// failure unless the case is about that.
  void make(UpnpPortMapper::Errand errand, std::chrono::milliseconds errand_max = kUpnpErrandMax) {
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

/// Memory for an errand that takes block after block and gives none back: its end does.
constexpr std::size_t kBlockBytes = 1U << 20U;
constexpr std::uint16_t kBlocksMax = 1024;  // 1 GiB in all

TEST_F(UpnpPortMapperTest, EndsAnErrandThatTakesAllMemory) {
  make([](const UpnpRequest& asked, const std::string& known_url) {
    for (int taken = 0; taken < kBlocksMax; ++taken) {
      void* block = std::malloc(kBlockBytes);  // not new: a sanitizer's never throws
      if (block == nullptr) throw std::bad_alloc();
      std::memset(block, 'x', kBlockBytes);
    }
    return grant(asked, known_url);
  });
  mapper_->request(request(1));
  ASSERT_TRUE(answered());
  expect_no_gateway();
}

TEST_F(UpnpPortMapperTest, GivesAnErrandTheMemoryItMayHaveAndNoMore) {
  constexpr std::size_t kBlocks = kUpnpErrandBytesMax / kBlockBytes;
  make([](const UpnpRequest&, const std::string&) -> UpnpReply {
    const auto take = [](std::size_t bytes) {
      return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    void* const for_the_answer = take(kBlockBytes);
    std::uint16_t blocks = 1;
    while (blocks < kBlocksMax && take(kBlockBytes) != MAP_FAILED) ++blocks;
    munmap(for_the_answer, kBlockBytes);
    return {UpnpGrant{std::nullopt, blocks}, {}};
  });
  mapper_->request(request(1));
  ASSERT_TRUE(answered());
  ASSERT_TRUE(results_[0].outcome.has_value());
  EXPECT_LE(results_[0].outcome->external_port, kBlocks);
  EXPECT_GE(results_[0].outcome->external_port, kBlocks / 2);  // the rest: what the heap had taken
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

/// A gateway whose description of itself never ends.
class FloodingGateway {
 public:
  FloodingGateway() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this] { flood(); });
  }
  ~FloodingGateway() { thread_.join(); }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::size_t bytes_sent() const { return bytes_sent_; }

 private:
  /// Until the other side has had enough.
  void flood() {
    const UniqueFd visitor(accept(listener_.get(), nullptr, nullptr));
    std::string text = "HTTP/1.1 200 OK\r\n\r\n";
    text.resize(1U << 16U, 'x');
    while (true) {
      const ssize_t sent = send(visitor.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes_sent_ += static_cast<std::size_t>(sent);
    }
  }

  UniqueFd listener_;
  std::string url_;
  std::atomic<std::size_t> bytes_sent_ = 0;
  std::thread thread_;
};

TEST_F(UpnpPortMapperTest, IsNotFilledByAGatewayWhoseDescriptionNeverEnds) {
  KADWIRE_SKIP_WITHOUT_OWN_NETWORK();
  kadwire::testing::in_own_network([this] {
    const FloodingGateway gateway;
    make([url = gateway.url()](const UpnpRequest& asked, const std::string&) {
      return ask_upnp_gateway(asked, url);
    });
    UpnpRequest asked = request(1);
    asked.gateway = asked.own = *IpAddress::parse("127.0.0.1");
    mapper_->request(asked);
    ASSERT_TRUE(run_until(
        context_, [&] { return !results_.empty(); }, 10s));
    expect_no_gateway();
    EXPECT_GT(gateway.bytes_sent(), std::size_t{1} << 20U);
    EXPECT_LT(gateway.bytes_sent(), 4 * kUpnpErrandBytesMax);
  });
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
