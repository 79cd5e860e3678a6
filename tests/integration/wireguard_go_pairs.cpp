#include "tests/integration/wireguard_go_pairs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "tests/integration/lab_fixture.h"
#include "tests/integration/wireguard_go_interface.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::lab {
namespace {

/// Below Linux's ephemeral ports (32768 on): wireguard-go takes one of those by chance before it is
/// given its own, and two dozen of them on a host would meet.
constexpr std::uint16_t kFirstPort = 22000;
/// Where packets go that nobody is to answer.
constexpr std::uint16_t kSinkPort = 9;
/// From one pair's beginning to the next one's: no two load the machine at the same moment.
constexpr auto kStagger = 10ms;

WallTime wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

bool is_for_all(Act act) {
  return act == Act::kCut || act == Act::kMend || act == Act::kMove;
}

/// UDP in a host's network, bound to kSinkPort.
node::UniqueFd open_sink(const Host& host) {
  node::UniqueFd socket = must(host.open_socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(kSinkPort);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
    throw std::runtime_error("cannot bind the sink");
  }
  return socket;
}

}  // namespace

struct WireguardGoPairs::Interface {
  std::unique_ptr<WireguardGoInterface> device;
  Endpoint endpoint;
  IpAddress inner_address;
};

struct WireguardGoPairs::Pair {
  std::array<Interface, 2> sides;
  WallTime began;
};

/// One moment of one pair, or of all of them.
struct WireguardGoPairs::Event {
  Duration at{0};
  Pair* pair = nullptr;
  const Step* step = nullptr;  ///< nullptr: look at the outcome
};

WireguardGoPairs::WireguardGoPairs(Lab& lab, std::size_t count) {
  for (Host*& each : hosts_) {
    each = must(lab.add_host({.cable = {.delay = kScriptLatency / 2}}));
  }
  for (std::size_t i = 0; i < count; ++i) pairs_.push_back(std::make_unique<Pair>());
  for (const Side side : {Side::kA, Side::kB}) start_interfaces(side);
  for (std::size_t side : {0U, 1U}) sockets_[side] = open_sink(*hosts_[side]);
}

WireguardGoPairs::~WireguardGoPairs() = default;

/// All processes first, so that they start at the same time.
void WireguardGoPairs::start_interfaces(Side side) {
  const auto half = static_cast<std::size_t>(side);
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    pairs_[i]->sides[half].device =
        std::make_unique<WireguardGoInterface>(host(side), fmt::format("kw{}", i));
  }
  std::string script;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    Interface& interface = pairs_[i]->sides[half];
    const auto port = static_cast<std::uint16_t>(kFirstPort + i);
    interface.endpoint = {host(side).ipv4(), port};
    interface.inner_address = *IpAddress::parse(fmt::format("10.99.{}.{}", i, half + 1));
    testnet::SeededRandom random(2 * i + half);
    interface.device->configure(crypto::NodeIdentity::generate(random), port);
    script += fmt::format("addr add {0}/24 dev kw{1}\nlink set kw{1} mtu 1420 up\n",
                          interface.inner_address.to_string(), i);
  }
  must(write_text(host(side).outside("/run/interfaces.ip"), script));
  must(host(side).run({"ip", "-batch", "/run/interfaces.ip"}));
}

std::vector<Outcome> WireguardGoPairs::play(const Script& script) {
  std::vector<Outcome> outcomes;
  const auto start = std::chrono::steady_clock::now() + kStagger;
  for (const Event& event : schedule_of(script)) {
    std::this_thread::sleep_until(start + event.at);
    if (event.step == nullptr) {
      outcomes.push_back(look_at(*event.pair));
    } else {
      if (event.step == &script.steps.front()) event.pair->began = wall_now();
      perform(*event.pair, *event.step, script.keepalive);
    }
  }
  remove_peers();
  return outcomes;
}

std::vector<WireguardGoPairs::Event> WireguardGoPairs::schedule_of(const Script& script) const {
  std::vector<Event> events;
  Duration begins{0};
  for (const auto& pair : pairs_) {
    for (const Step& step : script.steps) {
      if (!is_for_all(step.act) || pair == pairs_.front())
        events.push_back({begins + step.at, &*pair, &step});
    }
    events.push_back({begins + script.length, &*pair, nullptr});
    begins += kStagger;
  }
  std::ranges::stable_sort(events, {}, &Event::at);
  return events;
}

void WireguardGoPairs::perform(Pair& pair, const Step& step, std::chrono::seconds keepalive) {
  const auto side = static_cast<std::size_t>(step.side);
  const Interface& own = pair.sides[side];
  const Interface& other = pair.sides[1 - side];
  if (step.act == Act::kSend) return send_packet(own, other);
  if (step.act == Act::kCut || step.act == Act::kMend) return set_cut(step.act == Act::kCut);
  if (step.act == Act::kMove) return move(step.side);
  node::PeerConfig config;
  config.key = other.device->key();
  config.allowed_ips = {Prefix::of_host(other.inner_address)};
  const bool waits = step.act == Act::kInstall || step.act == Act::kInstallAlien;
  if (!waits) config.endpoint = other.endpoint;
  if (step.act == Act::kDial || step.act == Act::kRedial) config.keepalive = keepalive;
  crypto::SecretBytes psk(32);
  if (step.act == Act::kInstallAlien) psk.writable()[0] = std::byte{1};
  std::vector<node::PeerChange> changes;
  if (step.act == Act::kRedial) {
    changes.emplace_back(node::RenewPeer{config, std::move(psk)});
  } else {
    changes.emplace_back(node::SetPeer{config, std::move(psk)});
  }
  own.device->apply(changes);
}

/// Drops what arrives, at both ends: what leaves must leave, or the sender would notice.
void WireguardGoPairs::set_cut(bool cut) {
  const std::string add = fmt::format(
      "add table inet cut; add chain inet cut in {{ type filter hook input priority 0; }}; "
      "add rule inet cut in udp dport >= {} drop",
      kFirstPort);
  for (const Host* each : hosts_) must(each->run({"nft", cut ? add : "delete table inet cut"}));
}

/// From .2 to .3 of its network.
void WireguardGoPairs::move(Side side) {
  must(host(side).run({"sh", "-c",
                       fmt::format("ip addr del 198.18.{0}.2/24 dev eth0 && "
                                   "ip addr add 198.18.{0}.3/24 dev eth0 && "
                                   "ip route add 0.0.0.0/0 via 198.18.{0}.1",
                                   host(side).number())}));
}

void WireguardGoPairs::send_packet(const Interface& from, const Interface& to) {
  const bool first = from.endpoint.address == hosts_[0]->ipv4();
  const Bytes packet(kScriptPacketBytes - 28);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(kSinkPort);
  target.sin_addr.s_addr = htonl(to.inner_address.v4_value());
  ::sendto(sockets_[first ? 0 : 1].get(), packet.data(), packet.size(), 0,
           reinterpret_cast<const sockaddr*>(&target), sizeof target);
}

Outcome WireguardGoPairs::look_at(const Pair& pair) const {
  Outcome outcome;
  for (std::size_t side : {0U, 1U}) {
    const auto device = pair.sides[side].device->status();
    if (device.peers.empty()) continue;
    const node::PeerStatus& peer = device.peers[0];
    outcome[side].rx_bytes = peer.rx_bytes;
    outcome[side].tx_bytes = peer.tx_bytes;
    if (peer.last_handshake) outcome[side].handshake = *peer.last_handshake - pair.began;
  }
  return outcome;
}

void WireguardGoPairs::remove_peers() {
  for (const auto& pair : pairs_) {
    for (std::size_t side : {0U, 1U}) {
      std::vector<node::PeerChange> changes;
      changes.emplace_back(node::RemovePeer{pair->sides[1 - side].device->key()});
      pair->sides[side].device->apply(changes);
    }
  }
}

}  // namespace kadwire::lab
