/// Server and client against each other over a real Unix socket.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "node/adapters/unique_fd.h"
#include "node/control/json_rpc.h"
#include "node/control/rpc_client.h"
#include "node/control/rpc_server.h"
#include "tests/support/fake_inspector.h"
#include "tests/support/temporary_folder.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr auto kLongEnough = 10s;  ///< for anything that must happen

/// A client that says exactly what a test tells it to.
class RawClient {
 public:
  explicit RawClient(const fs::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server had enough
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The next line, or what came before the end of the connection.
  std::string hear_line() {
    std::string line;
    for (char character = 0; read_one(character) && character != '\n';) line += character;
    return line;
  }
  bool hears_the_end() {
    char character = 0;
    return !read_one(character);
  }

 private:
  bool read_one(char& character) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    const auto limit = std::chrono::milliseconds(kLongEnough).count();
    if (::poll(&waiting, 1, static_cast<int>(limit)) != 1) {
      ADD_FAILURE() << "the server neither answered nor hung up";
      return false;
    }
    return ::recv(socket_.get(), &character, 1, 0) == 1;
  }
  node::UniqueFd socket_;
};

class Rpc : public ::testing::Test {
 protected:
  ~Rpc() override { stop(); }
  void serve(RpcServerLimits limits = {}) {
    auto opened = RpcServer::open(io_, path_, inspector_, limits);
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
    loop_ = std::thread([this] { io_.run(); });
  }
  void stop() {
    io_.stop();
    if (loop_.joinable()) loop_.join();
    server_.reset();
  }

  kadwire::testing::TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "kadwire0.sock";
  kadwire::testing::FakeInspector inspector_;
  asio::io_context io_;
  std::unique_ptr<RpcServer> server_;
  std::thread loop_;
};

const std::string kPing = R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping"})"
                          "\n";

TEST_F(Rpc, AnswersACall) {
  inspector_.peers = {kadwire::testing::peer_named("alpha", {0xab})};
  serve();
  const auto count = call_daemon(path_, "peers.count", json::object());
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count->at("total"), 1);
}

TEST_F(Rpc, CarriesAnAnswerThatIsLargerThanAnyBuffer) {
  for (unsigned i = 0; i < 2000; ++i) {
    inspector_.peers.push_back(
        kadwire::testing::peer_named(std::string(60, 'h'), {i / 256, i % 256}));
  }
  serve();
  const auto list = call_daemon(path_, "peers.list", json::object());
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->at("peers").size(), 2000U);
}

TEST_F(Rpc, GivesTheDaemonsReasonForARefusal) {
  serve();
  const auto peer = call_daemon(path_, "peers.get", {{"node", "nobody"}});
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().message, "no peer matches 'nobody'");
}

TEST_F(Rpc, AnswersManyRequestsOfOneConnectionInOrder) {
  serve();
  RawClient client(path_);
  client.say(R"({"jsonrpc":"2.0","id":1,"method":"daemon.ping"})"
             "\n"
             R"({"jsonrpc":"2.0","method":"daemon.ping"})"
             "\nnonsense\n"
             R"({"jsonrpc":"2.0","id":3,"method":"daemon.ping"})"
             "\r\n");
  EXPECT_EQ(json::parse(client.hear_line())["id"], 1);
  EXPECT_EQ(json::parse(client.hear_line())["error"]["code"], -32700);
  EXPECT_EQ(json::parse(client.hear_line())["id"], 3);
}

TEST_F(Rpc, DropsAClientWhoseLineNeverEnds) {
  serve();
  RawClient client(path_);
  client.say(std::string(kRequestBytesMax + 2, 'x'));
  EXPECT_EQ(json::parse(client.hear_line())["error"]["code"], -32600);
  EXPECT_TRUE(client.hears_the_end());
}

TEST_F(Rpc, DropsAClientThatStopsInTheMiddleOfARequest) {
  serve({.patience = 50ms});
  RawClient client(path_);
  client.say(R"({"jsonrpc":)");
  EXPECT_TRUE(client.hears_the_end());
}

TEST_F(Rpc, DropsAClientThatDoesNotReadItsAnswers) {
  for (unsigned i = 0; i < 2000; ++i) {
    inspector_.peers.push_back(kadwire::testing::peer_named("peer", {i / 256, i % 256}));
  }
  serve({.clients_max = 1, .patience = 50ms});
  RawClient greedy(path_);
  greedy.say(R"({"jsonrpc":"2.0","id":1,"method":"peers.list"})"
             "\n");
  // Its place is free again once it was dropped: until then others are refused.
  const auto give_up = std::chrono::steady_clock::now() + kLongEnough;
  bool served = false;
  while (!served && std::chrono::steady_clock::now() < give_up) {
    served = call_daemon(path_, "daemon.ping", json::object()).has_value();
  }
  EXPECT_TRUE(served);
}

TEST_F(Rpc, TurnsAwayOneClientTooMany) {
  serve({.clients_max = 2});
  RawClient first(path_), second(path_);
  for (RawClient* client : {&first, &second}) {
    client->say(kPing);
    EXPECT_TRUE(json::parse(client->hear_line()).contains("result"));
  }
  RawClient third(path_);
  EXPECT_EQ(json::parse(third.hear_line())["error"]["code"], -32603);
  EXPECT_TRUE(third.hears_the_end());
}

TEST_F(Rpc, EndsEveryConnectionAndRemovesTheSocketWhenItStops) {
  serve();
  RawClient client(path_);
  client.say(kPing);
  EXPECT_FALSE(client.hear_line().empty());
  stop();
  EXPECT_TRUE(client.hears_the_end());
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Rpc, RefusesASecondServerAtTheSamePath) {
  serve();
  const auto second = RpcServer::open(io_, path_, inspector_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("already listens"), std::string::npos);
}

TEST_F(Rpc, TellsHowToStartADaemonWhereThereIsNone) {
  const auto answer = call_daemon(path_, "daemon.ping", json::object());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "no kadwire daemon answers at " + path_.string() +
                                        "; start one with: sudo kadwire join");
}

TEST_F(Rpc, DoesNotWaitForASilentDaemonForEver) {
  const node::UniqueFd silent(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(silent.get(), 1), 0);
  const auto answer = call_daemon(path_, "daemon.ping", json::object(), 20ms);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("did not answer in time"), std::string::npos);
}

TEST_F(Rpc, FindsTheSocketThatWasChosen) {
  EXPECT_EQ(find_socket({"/a", "if0", "/c"}, "/folder"), fs::path("/a"));
  EXPECT_EQ(find_socket({{}, "if0", "/c"}, "/folder"), fs::path("/folder/if0.sock"));
  EXPECT_EQ(find_socket({{}, {}, "/c"}, "/folder"), fs::path("/c"));
}

TEST_F(Rpc, FindsTheOnlySocketAndAsksWhereThereAreMore) {
  const auto none = find_socket({}, folder_.path());
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find(folder_.path().string()), std::string::npos);
  EXPECT_NE(none.error().message.find("sudo kadwire join"), std::string::npos);

  folder_.write("notes.sock", "not a socket");
  serve();
  EXPECT_EQ(find_socket({}, folder_.path()), path_);

  asio::io_context other_io;
  const auto other = RpcServer::open(other_io, folder_.path() / "office.sock", inspector_);
  ASSERT_TRUE(other);
  const auto several = find_socket({}, folder_.path());
  ASSERT_FALSE(several);
  EXPECT_NE(several.error().message.find("--interface (kadwire0, office)"), std::string::npos)
      << several.error().message;
}

TEST_F(Rpc, FindsNothingInAFolderThatIsMissing) {
  EXPECT_FALSE(find_socket({}, folder_.path() / "missing"));
}

}  // namespace
}  // namespace kadwire::control
