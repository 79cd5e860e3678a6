#include "tools/testnet/nodes/hostile_directory.h"

#include <algorithm>
#include <span>

#include "node/base/queue.h"
#include "tools/testnet/internet/address_plan.h"

namespace kadwire::testnet {
namespace {

/// Of 160 bits, as many as an attacker finds by trying in minutes, and more than any two nodes of a
/// simulated DHT share by chance.
constexpr std::size_t kSharedIdBytes = 8;
/// 198.18.0.0/15 is for benchmarks (RFC 2544) and 3fff::/20 for documentation (RFC 9637): the
/// address plan gives neither to anyone, and nobody takes them for private.
constexpr std::uint32_t kUnassignedV4 = 0xc6120000;
constexpr unsigned kUnassignedV4Bits = 17;
constexpr std::uint64_t kUnassignedV6 = 0x3fff'0000'0000'0000;
/// The port that OpenDHT nodes have.
constexpr std::uint16_t kInventedPort = 4222;

}  // namespace

IpAddress unassigned_address(AddressFamily family, RandomSource& random) {
  if (family == AddressFamily::kIpv4) {
    const std::uint64_t host = random_below(random, std::uint64_t{1} << kUnassignedV4Bits);
    return v4_address(kUnassignedV4 + static_cast<std::uint32_t>(host));
  }
  ByteWriter writer;
  writer.be64(kUnassignedV6 | (random_u64(random) & 0xffff'ffff)).be64(random_u64(random));
  return *IpAddress::from_bytes(writer.view());
}

dht::InfoHash id_next_to(const dht::InfoHash& target, RandomSource& random) {
  dht::InfoHash id = target;
  random.fill(std::span(id).subspan(kSharedIdBytes));
  return id;
}

void DroppingDirectory::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  const auto message = DhtMessage::decode(datagram);
  const bool dropped = message && message->kind() == DhtMessage::Kind::kRequest &&
                       message->method() != "ping" && message->method() != "find";
  if (!dropped) inside().handle_datagram(now, from, datagram);
}

void SwallowingDirectory::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  const auto message = DhtMessage::decode(datagram);
  const auto confirmation = message ? message->confirmation(id_, from) : std::nullopt;
  if (confirmation) {
    if (forged_.size() < kForgedRepliesMax) forged_.push_back({from, confirmation->encode()});
    return;
  }
  if (message && message->kind() == DhtMessage::Kind::kRequest) note_request(from, *message);
  inside().handle_datagram(now, from, datagram);
}

std::optional<Transmit> SwallowingDirectory::poll_transmit() {
  if (auto forged = take_front(forged_)) return forged;
  return inside().poll_transmit();
}

void LyingDirectory::note_request(const Endpoint& from, const DhtMessage& request) {
  asked_ = Asked{from, request};
}

std::optional<Transmit> LyingDirectory::poll_transmit() {
  auto transmit = SwallowingDirectory::poll_transmit();
  if (transmit && asked_ && transmit->to == asked_->from) falsify(*transmit);
  return transmit;
}

void LyingDirectory::falsify(Transmit& transmit) {
  auto reply = DhtMessage::decode(transmit.payload);
  const auto target = asked_->request.target();
  if (!reply || !target || !asked_->request.is_answered_by(*reply)) return;
  std::vector<dht::KnownNode> invented;
  for (std::size_t i = 0; i < kInventedNodes; ++i) {
    for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      invented.push_back(
          {id_next_to(*target, random_), {unassigned_address(family, random_), kInventedPort}});
    }
  }
  reply->replace_nodes(invented);
  reply->remove_values();
  transmit.payload = reply->encode();
}

}  // namespace kadwire::testnet
