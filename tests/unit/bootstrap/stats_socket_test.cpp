#include "tools/bootstrap/stats_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <asio/local/stream_protocol.hpp>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace kadwire::tools {
namespace {

using ::testing::HasSubstr;

class StatsSocketTest : public ::testing::Test {
 protected:
  std::unique_ptr<StatsSocket> open() {
    auto socket = StatsSocket::open(context_, path_, [] { return std::string("figures\n"); });
    EXPECT_TRUE(socket.has_value()) << socket.error().message;
    return socket ? std::move(*socket) : nullptr;
  }

  std::string refusal() {
    const auto socket = StatsSocket::open(context_, path_, [] { return std::string(); });
    EXPECT_FALSE(socket.has_value());
    return socket ? "" : socket.error().message;
  }

  /// What a reader gets while the loop runs beside it.
  tl::expected<std::string, StatsError> read() {
    std::thread loop([this] { context_.run(); });
    auto text = read_stats(path_);
    context_.stop();
    loop.join();
    context_.restart();
    return text;
  }

  /// A socket file that nobody listens on, as a killed process leaves it.
  void leave_dead_socket() {
    asio::local::stream_protocol::acceptor dead(context_, path_.string());
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "stats.sock";
  asio::io_context context_;
};

TEST_F(StatsSocketTest, TellsItsTextToWhoeverConnects) {
  const auto socket = open();
  EXPECT_EQ(read().value_or(""), "figures\n");
  EXPECT_EQ(read().value_or(""), "figures\n");
}

TEST_F(StatsSocketTest, IsOpenToThisUserOnly) {
  const auto socket = open();
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(StatsSocketTest, LeavesNothingBehind) {
  open().reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(StatsSocketTest, ReplacesADeadSocket) {
  leave_dead_socket();
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto socket = open();
  EXPECT_EQ(read().value_or(""), "figures\n");
}

TEST_F(StatsSocketTest, LeavesALivingOneAlone) {
  const auto socket = open();
  EXPECT_THAT(refusal(), HasSubstr("another running process"));
  EXPECT_EQ(read().value_or(""), "figures\n");
}

TEST_F(StatsSocketTest, NeverDeletesAnotherKindOfFile) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(refusal(), HasSubstr("no socket"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(StatsSocketTest, NamesAFolderThatIsMissing) {
  path_ = folder_.path() / "missing" / "stats.sock";
  EXPECT_THAT(refusal(), HasSubstr("No such file or directory"));
}

TEST_F(StatsSocketTest, RefusesAPathBeyondTheKernelsLimit) {
  path_ = folder_.path() / std::string(120, 'x');
  EXPECT_THAT(refusal(), HasSubstr("too long"));
  EXPECT_FALSE(read_stats(path_).has_value());
}

TEST_F(StatsSocketTest, SaysThatNobodyAnswers) {
  const auto text = read_stats(path_);
  ASSERT_FALSE(text.has_value());
  EXPECT_THAT(text.error().message, HasSubstr("is kadwire-bootstrap running?"));
}

}  // namespace
}  // namespace kadwire::tools
