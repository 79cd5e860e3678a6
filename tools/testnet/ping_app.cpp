#include "tools/testnet/ping_app.h"

#include <algorithm>
#include <utility>

namespace kadwire::testnet {
namespace {

constexpr std::byte kRequest{1};
constexpr std::byte kReply{2};
constexpr std::size_t kSequenceAt = 1;

Bytes ping_packet(std::byte kind, std::uint64_t sequence) {
  ByteWriter writer;
  writer.u8(std::to_integer<std::uint8_t>(kind)).be64(sequence);
  Bytes packet(writer.view().begin(), writer.view().end());
  packet.resize(kPingBytes);
  return packet;
}

std::uint64_t sequence_of(ByteView packet) {
  ByteReader reader(packet.subspan(kSequenceAt));
  return reader.be64();
}

}  // namespace

PingApp::PingApp(Population& population, const PairBoard& board, Index self,
                 const Scenario& scenario, std::uint64_t seed, FirstReplyHandler on_first_reply)
    : population_(population),
      board_(board),
      self_(self),
      scenario_(scenario),
      on_first_reply_(std::move(on_first_reply)) {
  member().set_packet_handler(
      [this](const IpAddress& from, ByteView packet) { on_packet(from, packet); });
  if (scenario.ping_every == Duration{0}) return;
  SeededRandom random(seed);
  const Duration first = random_between(random, Duration{0}, scenario.ping_every);
  member().host().after(first, lifetime_.guard([this] { tick(); }));
}

void PingApp::tick() {
  give_up_overdue();
  if (member().running()) {
    ping_some();
  } else {
    answered_.clear();
  }
  member().host().after(scenario_.ping_every, lifetime_.guard([this] { tick(); }));
}

/// In turn, so that all have theirs in the end.
void PingApp::ping_some() {
  const auto& members = population_.members();
  std::size_t pinged = 0;
  for (std::size_t i = 0; i < members.size() && pinged < scenario_.ping_peers_max; ++i) {
    const Index peer = members[next_peer_++ % members.size()];
    if (!is_awake(peer)) answered_.erase(peer);
    if (peer == self_ || !(scenario_.ping_early || board_.is_up(self_, peer))) continue;
    pinged += ping(peer) ? 1 : 0;
  }
}

bool PingApp::is_awake(Index peer) const {
  const MemberNode& member = *population_[peer].member;
  return member.running() && !member.host().asleep();
}

bool PingApp::ping(Index peer) {
  const Bytes packet = ping_packet(kRequest, last_sequence_ + 1);
  const bool known = member().device().send_packet(population_[peer].member->ipv6(), packet);
  if (!known && scenario_.ping_early) return false;
  ++counts_.sent;
  pending_.push_back({++last_sequence_, peer, member().host().now().steady});
  return true;
}

void PingApp::give_up_overdue() {
  const TimePoint now = member().host().now().steady;
  while (!pending_.empty() && now - pending_.front().sent > kPingPatience) {
    note_silence(pending_.front().peer, now);
    pending_.pop_front();
    ++counts_.lost;
  }
}

void PingApp::note_silence(Index peer, TimePoint now) {
  const auto last = answered_.find(peer);
  if (last == answered_.end()) return;
  counts_.longest_silence = std::max(counts_.longest_silence, now - last->second);
}

void PingApp::on_packet(const IpAddress& from, ByteView packet) {
  if (packet.size() != kPingBytes) return;
  const std::uint64_t sequence = sequence_of(packet);
  if (packet.front() == kRequest) {
    member().device().send_packet(from, ping_packet(kReply, sequence));
    return;
  }
  give_up_overdue();
  const auto ping = std::ranges::find(pending_, sequence, &Pending::sequence);
  if (ping == pending_.end()) return;
  const TimePoint now = member().host().now().steady;
  note_silence(ping->peer, now);
  answered_[ping->peer] = now;
  pending_.erase(ping);
  if (on_first_reply_) std::exchange(on_first_reply_, nullptr)();
}

}  // namespace kadwire::testnet
