/// The real kadwire-bootstrap on loopback: what it serves, what it survives, how it ends.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "crypto/system_random.h"
#include "dht/opendht_directory.h"
#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/asio_scheduler.h"
#include "node/adapters/socket_address.h"
#include "node/adapters/unique_fd.h"
#include "rendezvous/stun_message.h"
#include "tests/support/temporary_folder.h"
#include "tools/lab/process.h"

namespace kadwire {
namespace {

using ::testing::HasSubstr;

const IpAddress kLoopback = *IpAddress::parse("127.0.0.1");

/// A request is answered in a millisecond; only a failure waits so long.
constexpr auto kPatience = 20s;
/// Before a request is sent again: the server may not be up yet.
constexpr auto kAskAgain = 50ms;
/// Addresses of loopback that are tried for one on which a port is free.
constexpr int kAddressesTriedMax = 20;

bool is_free(const Endpoint& endpoint) {
  const node::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto address = node::to_socket_address(endpoint);
  return ::bind(fd.get(), address.get(), address.length) == 0;
}

std::mt19937& random_engine() {
  static std::mt19937 engine{std::random_device{}()};
  return engine;
}

/// Below the kernel's ephemeral range, so that no other socket takes it between here and its use.
Endpoint free_endpoint() {
  std::uniform_int_distribution<std::uint16_t> ports(20000, 32000);
  std::uint16_t port = ports(random_engine());
  while (!is_free({kLoopback, port})) port = ports(random_engine());
  return {kLoopback, port};
}

/// An address of loopback, of millions, where nobody serves STUN's own port; nullopt: somebody does
/// on every address of this machine.
std::optional<IpAddress> address_without_stun() {
  std::uniform_int_distribution<std::uint32_t> hosts(0x7f010001, 0x7ffffffe);
  for (int tried = 0; tried < kAddressesTriedMax; ++tried) {
    const IpAddress address = IpAddress::v4(hosts(random_engine()));
    if (is_free({address, rendezvous::kStunPort})) return address;
  }
  return std::nullopt;
}

/// A plain Binding request, to which more may be added; no two are alike.
rendezvous::StunWriter stun_request() {
  rendezvous::StunTransactionId transaction;
  for (std::byte& byte : transaction) byte = static_cast<std::byte>(random_engine()());
  return {rendezvous::StunClass::kRequest, rendezvous::kStunBinding, transaction};
}

/// A plain UDP socket that waits a little for an answer. Not connected: a server that is not up yet
/// is then silence, not an error at once.
class Client {
 public:
  explicit Client(const Endpoint& server)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        server_(node::to_socket_address(server)) {
    const timeval patience{0, std::chrono::microseconds(kAskAgain).count()};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void send(ByteView datagram) {
    (void)::sendto(fd_.get(), datagram.data(), datagram.size(), 0, server_.get(), server_.length);
  }
  /// Empty: none came in time.
  Bytes receive() {
    Bytes buffer(1500);
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    buffer.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return buffer;
  }
  /// The endpoint that the answer to this request names; nullopt: none came for a while.
  std::optional<Endpoint> answer_to(const rendezvous::StunTransactionId& transaction) {
    for (Bytes reply = receive(); !reply.empty(); reply = receive()) {
      const auto message = rendezvous::parse_stun(reply);
      if (message && message->transaction == transaction) return message->xor_mapped_address();
    }
    return std::nullopt;
  }

 private:
  node::UniqueFd fd_;
  node::SocketAddress server_;
};

/// What a STUN server said.
struct Told {
  std::optional<Endpoint> endpoint;  ///< nullopt: nothing
  int requests = 0;                  ///< that it was sent for it
};

/// `asking` sends the request until `hearing` has the answer to it.
Told ask(Client& asking, Client& hearing, const Bytes& request) {
  const rendezvous::StunTransactionId transaction =
      rendezvous::parse_stun(request).value().transaction;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  Told told;
  while (!told.endpoint && std::chrono::steady_clock::now() < end) {
    asking.send(request);
    ++told.requests;
    told.endpoint = hearing.answer_to(transaction);
  }
  return told;
}

/// A DHT node of the test's own, which enters the network through the bootstrap node.
class Member {
 public:
  explicit Member(const Endpoint& bootstrap)
      : directory_(scheduler_.now(), {}, random_),
        socket_(std::move(
            *node::AsioDatagramSocket::open_at(context_, std::vector<Endpoint>{free_endpoint()}))) {
    socket_->start([this](const Endpoint& from, ByteView datagram) {
      directory_.handle_datagram(scheduler_.now(), from, datagram);
      pump();
    });
    directory_.set_bootstrap(scheduler_.now(), std::vector<Endpoint>{bootstrap});
    pump();
  }

  /// Runs until `done`, at most `patience`.
  template <typename Condition>
  bool run_until(Condition done, Duration patience) {
    const TimePoint end = scheduler_.now().steady + patience;
    while (!done() && scheduler_.now().steady < end) context_.run_one_for(20ms);
    return done();
  }

  bool connects(Duration patience) {
    return run_until([this] { return connected_; }, patience);
  }

 private:
  void pump() {
    while (const auto transmit = directory_.poll_transmit()) socket_->send(*transmit);
    while (const auto event = directory_.poll_event()) {
      const auto* change = std::get_if<dht::ConnectivityChanged>(&*event);
      if (change != nullptr) connected_ = change->connected;
    }
    const auto due = directory_.next_timeout();
    if (!due) return;
    scheduler_.wake_at(*due, [this] {
      directory_.handle_timeout(scheduler_.now());
      pump();
    });
  }

  asio::io_context context_;
  node::AsioScheduler scheduler_{context_};
  crypto::SystemRandom random_;
  dht::OpendhtDirectory directory_;
  std::unique_ptr<node::AsioDatagramSocket> socket_;
  bool connected_ = false;
};

class BootstrapProcess : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& state) const {
    return {KADWIRE_BIN "/kadwire-bootstrap",
            "--listen",
            dht_.to_string(),
            "--stun",
            stun_.to_string(),
            "--state-dir",
            (folder_.path() / state).string()};
  }

  lab::Process spawn(std::vector<std::string> argv, const std::string& output = "out") const {
    auto process =
        lab::Process::spawn({.argv = std::move(argv), .output = folder_.path() / output});
    EXPECT_TRUE(process.has_value());
    return std::move(*process);
  }

  /// The bootstrap node once it answers.
  lab::Process start() const {
    lab::Process process = spawn(arguments("state"));
    EXPECT_TRUE(answers_stun()) << log();
    return process;
  }

  std::string log(const std::string& output = "out") const {
    return lab::read_text(folder_.path() / output);
  }

  bool answers_stun() const {
    Client client(stun_);
    return ask(client, client, stun_request().take()).endpoint.has_value();
  }

  nlohmann::json stats() const {
    std::vector<std::string> argv = arguments("state");
    argv.insert(argv.end(), {"--stats", "--json"});
    std::filesystem::remove(folder_.path() / "stats");
    lab::Process process = spawn(argv, "stats");
    EXPECT_EQ(process.wait(kPatience), 0) << log("stats");
    return nlohmann::json::parse(log("stats"), nullptr, false);
  }

  /// How the program ends by itself, and what it says.
  std::pair<std::optional<int>, std::string> outcome(std::vector<std::string> argv) const {
    lab::Process process = spawn(std::move(argv), "other");
    return {process.wait(kPatience), log("other")};
  }

  testing::TemporaryFolder folder_;
  Endpoint dht_ = free_endpoint();
  Endpoint stun_ = free_endpoint();
};

void expect_one_line(const std::string& text, const std::string& part) {
  EXPECT_THAT(text, HasSubstr(part));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST_F(BootstrapProcess, LetsAMemberIntoTheNetworkAndRemembersIt) {
  lab::Process process = start();
  Member member(dht_);
  EXPECT_TRUE(member.connects(kPatience)) << log();
  const auto knows_member = [this] { return stats()["dht"]["good_nodes"].get<int>() >= 1; };
  EXPECT_TRUE(member.run_until(knows_member, kPatience)) << stats();
  EXPECT_EQ(process.stop(3s), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "state" / "dht-nodes")) << log();
}

TEST_F(BootstrapProcess, AnswersStunFromItsSecondPortOnRequest) {
  lab::Process process = start();
  const rendezvous::StunChange change{.address = false, .port = true};
  Client client(stun_);
  const Told told = ask(client, client, stun_request().change_request(change).take());
  ASSERT_TRUE(told.endpoint) << log();
  const int elsewhere = stats()["stun"]["elsewhere"].get<int>();
  EXPECT_GE(elsewhere, 1);
  EXPECT_LE(elsewhere, told.requests);
}

TEST_F(BootstrapProcess, AnswersStunToAnotherPortOnRequest) {
  lab::Process process = start();
  Client silent(stun_), asking(stun_);
  const auto mapped = ask(silent, silent, stun_request().take()).endpoint;
  ASSERT_TRUE(mapped) << log();
  const Told told =
      ask(asking, silent, stun_request().software("").response_port(mapped->port).take());
  ASSERT_TRUE(told.endpoint) << log();
  EXPECT_NE(told.endpoint, mapped) << "it is about the port that asked";
  const int redirected = stats()["stun"]["redirected"].get<int>();
  EXPECT_GE(redirected, 1);
  EXPECT_LE(redirected, told.requests);
}

TEST_F(BootstrapProcess, SurvivesThePacketsThatKillAnUnguardedNode) {
  lab::Process process = start();
  Client client(dht_);
  // {"e":[]}; a reply that is an integer; a reply whose list of field names is empty.
  const std::string id = "a26964c414" + std::string(40, '7');
  for (const std::string& packet :
       {std::string("81a16590"), std::string("83a17205a174c40400000001a179a172"),
        "83a17282" + id + "a66669656c647382a16690a17690a174c40400000001a179a172",
        "83a17282" + id + "a66669656c647382a16690a17691c0a174c40400000001a179a172"}) {
    client.send(from_hex(packet).value());
  }
  Member member(dht_);
  EXPECT_TRUE(member.connects(kPatience)) << log();
  EXPECT_TRUE(answers_stun());
  EXPECT_TRUE(process.running()) << log();
  EXPECT_GE(stats()["dht"]["packets_refused"].get<int>(), 4);
}

TEST_F(BootstrapProcess, SurvivesABurstOfRandomDatagramsAndStillServes) {
  constexpr int kDatagrams = 100'000;
  constexpr int kBurst = 1000;  // more of a burst than the kernel keeps for who does not read
  lab::Process process = start();
  Client to_dht(dht_);
  Client to_stun(stun_);
  std::mt19937_64 engine(20251121);
  Bytes datagram(256);
  for (int i = 0; i < kDatagrams; ++i) {
    for (std::byte& byte : datagram) byte = static_cast<std::byte>(engine());
    if (i % 2 == 0) datagram[0] = std::byte{0x83};  // a small msgpack map, at least at first sight
    const ByteView cut = ByteView(datagram).first(engine() % datagram.size());
    (i % 5 == 0 ? to_stun : to_dht).send(cut);
    // Of each burst it has read a part then, however busy the machine.
    if (i % kBurst == kBurst - 1) {
      ASSERT_TRUE(answers_stun()) << log();
    }
  }
  Member member(dht_);
  EXPECT_TRUE(member.connects(kPatience)) << log();
  EXPECT_TRUE(process.running()) << log();
  EXPECT_GT(stats()["dht"]["packets_refused"].get<int>(), kDatagrams / 10);
  EXPECT_GT(stats()["stun"]["malformed"].get<int>(), kDatagrams / 100);
}

TEST_F(BootstrapProcess, ShowsItsCountersToPeopleToo) {
  lab::Process process = start();
  std::vector<std::string> argv = arguments("state");
  argv.push_back("--stats");
  const auto [exit_code, text] = outcome(argv);
  EXPECT_EQ(exit_code, 0);
  EXPECT_THAT(text, HasSubstr("good nodes"));
  EXPECT_THAT(text, HasSubstr("answered"));
}

TEST_F(BootstrapProcess, EndsOnSigtermAndSigintWithinThreeSeconds) {
  for (const int number : {SIGTERM, SIGINT}) {
    lab::Process process = start();
    process.signal(number);
    EXPECT_EQ(process.wait(3s), 0) << log();
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "state" / "stats.sock"));
  }
}

TEST_F(BootstrapProcess, StartsAgainAfterBeingKilled) {
  lab::Process killed = start();
  killed.signal(SIGKILL);
  killed.wait(3s);
  lab::Process process = start();
  EXPECT_TRUE(stats().contains("uptime_seconds"));
}

TEST_F(BootstrapProcess, SaysThatItsPortIsTaken) {
  lab::Process process = start();
  const auto [exit_code, text] = outcome(arguments("other-state"));
  EXPECT_EQ(exit_code, 1);
  expect_one_line(text, dht_.to_string());
  EXPECT_TRUE(process.running());
}

TEST_F(BootstrapProcess, AnswersStunBesideTheDhtWithoutBeingAsked) {
  const auto address = address_without_stun();
  if (!address) GTEST_SKIP() << "port 3478 is taken on every address of this machine";
  dht_.address = *address;
  stun_ = {*address, rendezvous::kStunPort};
  std::vector<std::string> argv = arguments("state");
  std::erase_if(argv,
                [&](const auto& word) { return word == "--stun" || word == stun_.to_string(); });
  lab::Process process = spawn(argv);
  EXPECT_TRUE(answers_stun()) << log();
  EXPECT_EQ(stats()["stun"]["port"], rendezvous::kStunPort);
}

TEST_F(BootstrapProcess, ServesTheDhtThoughTheDefaultStunPortIsTaken) {
  const auto address = address_without_stun();
  if (!address) GTEST_SKIP() << "port 3478 is taken on every address of this machine";
  dht_.address = *address;
  stun_ = {*address, rendezvous::kStunPort};
  lab::Process first = start();
  dht_.port = free_endpoint().port;
  lab::Process second = spawn({KADWIRE_BIN "/kadwire-bootstrap", "--listen", dht_.to_string(),
                               "--state-dir", (folder_.path() / "second-state").string()},
                              "second");
  Member member(dht_);
  EXPECT_TRUE(member.connects(kPatience)) << log("second");
  EXPECT_THAT(log("second"), HasSubstr("stun off"));
  EXPECT_THAT(log("second"), HasSubstr("--no-stun"));
}

TEST_F(BootstrapProcess, SaysThatTheStunPortItWasAskedForIsTaken) {
  lab::Process process = start();
  dht_ = free_endpoint();
  const auto [exit_code, text] = outcome(arguments("other-state"));
  EXPECT_EQ(exit_code, 1);
  expect_one_line(text, stun_.to_string());
}

TEST_F(BootstrapProcess, SaysThatItsStateFolderIsTaken) {
  lab::Process process = start();
  dht_ = free_endpoint();
  const Endpoint served = std::exchange(stun_, free_endpoint());
  const auto [exit_code, text] = outcome(arguments("state"));
  EXPECT_EQ(exit_code, 1);
  expect_one_line(text, "state");
  stun_ = served;
  EXPECT_TRUE(answers_stun());
}

TEST_F(BootstrapProcess, SaysThatItsStateFolderCannotBeMade) {
  const auto [exit_code, text] = outcome(arguments("other/of/reach"));
  EXPECT_EQ(exit_code, 1);
  expect_one_line(text, "other/of/reach");
}

TEST_F(BootstrapProcess, SaysThatNoneIsRunning) {
  std::vector<std::string> argv = arguments("state");
  argv.push_back("--stats");
  const auto [exit_code, text] = outcome(argv);
  EXPECT_EQ(exit_code, 1);
  expect_one_line(text, "is kadwire-bootstrap running?");
}

}  // namespace
}  // namespace kadwire
