/// A mesh whose daemons are thrown malformed and random datagrams: they live, their tunnels carry
/// on, and they still take in a newcomer.

#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "node/adapters/socket_address.h"
#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

constexpr int kDatagramsPerSecond = 10'000;
/// In every test run; a whole minute with KADWIRE_FLOOD_SECONDS=60.
constexpr int kFloodSecondsDefault = 3;

std::chrono::seconds flood_time() {
  const char* wanted = std::getenv("KADWIRE_FLOOD_SECONDS");
  return std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : kFloodSecondsDefault);
}

/// nullopt: the daemon, which may be busy, does not answer in time; ask again.
std::optional<std::uint16_t> dht_port(const Member& member) {
  const auto status = member.call("daemon.status");
  if (!status) return std::nullopt;
  return status->at("dht_port").get<std::uint16_t>();
}

std::optional<std::uint64_t> refused(const Member& member) {
  const auto status = member.call("daemon.status");
  if (!status) return std::nullopt;
  return status->at("dht").at("packets_refused").get<std::uint64_t>();
}

/// Sends datagrams from a host of the lab, with nothing behind them.
class Attacker {
 public:
  explicit Attacker(const Host& host)
      : socket_(std::move(*host.open_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0))) {}

  void send(const Endpoint& to, ByteView datagram) {
    const node::SocketAddress address = node::to_socket_address(to);
    (void)::sendto(socket_.get(), datagram.data(), datagram.size(), 0, address.get(),
                   address.length);
  }

  /// Random bytes, half of them a msgpack map at first sight.
  void send_random(const Endpoint& to) {
    Bytes datagram(engine_() % 512);
    for (std::byte& byte : datagram) byte = static_cast<std::byte>(engine_());
    if (!datagram.empty() && engine_() % 2 == 0) datagram[0] = std::byte{0x83};
    send(to, datagram);
  }

 private:
  node::UniqueFd socket_;
  std::mt19937_64 engine_{20260101};
};

class HostileTest : public MeshTest {
 protected:
  /// What `question` says of a member, once that answers.
  template <typename Question>
  auto ask(Question question, const Member& member) {
    auto answer = question(member);
    EXPECT_TRUE(eventually([&] { return answer || (answer = question(member)); }));
    return answer.value();
  }
  /// Whether it refuses more than `count` packets, once it has read them.
  bool refuses_more_than(std::uint64_t count, const Member& member) {
    return eventually([&] { return refused(member).value_or(0) > count; });
  }
};

TEST_F(HostileTest, SurvivesThePacketsThatKillAnUnguardedNode) {
  must(mesh().start_bootstrap());
  const auto members = add_many(2);
  form(members);
  Attacker attacker(mesh().bootstrap_host());
  const Endpoint target{members[0]->host().ipv4(), ask(dht_port, *members[0])};
  for (const char* packet :
       {"81a16590", "83a17205a174c40400000001a179a172",
        "83a17282a26964c4147777777777777777777777777777777777777777a66669656c6473"
        "82a16690a17690a174c40400000001a179a172"}) {
    attacker.send(target, *from_hex(packet));
  }
  EXPECT_TRUE(refuses_more_than(2, *members[0]));
  EXPECT_TRUE(members[0]->running());
}

TEST_F(HostileTest, CarriesOnUnderAFloodOfRandomDatagramsAndStillTakesInANewcomer) {
  must(mesh().start_bootstrap());
  const auto members = add_many(3);
  form({members[0], members[1]});
  const auto flow = ping(*members[1], *members[0]);
  Attacker attacker(mesh().bootstrap_host());
  const IpAddress victim = members[0]->host().ipv4();
  const Endpoint targets[] = {{victim, ask(dht_port, *members[0])}, {victim, 51820}};
  const std::uint64_t refused_before = ask(refused, *members[0]);
  const auto begin = std::chrono::steady_clock::now();
  std::int64_t sent = 0;
  (void)eventually(
      [&] {
        const auto passed = std::chrono::steady_clock::now() - begin;
        const auto due = kDatagramsPerSecond * std::chrono::duration<double>(passed).count();
        for (; static_cast<double>(sent) < due; ++sent) attacker.send_random(targets[sent % 2]);
        return passed >= flood_time();
      },
      flood_time() + 5s);
  EXPECT_TRUE(members[0]->running());
  EXPECT_TRUE(
      refuses_more_than(refused_before + static_cast<std::uint64_t>(sent) / 10, *members[0]));
  EXPECT_LT(board().longest_silence(flow), 3s * kSlowdown);
  must(members[2]->start());
  expect_full_mesh(members);
}

}  // namespace
}  // namespace kadwire::lab
