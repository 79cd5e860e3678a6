/// An agent between two peers and a stranger, who say whatever the input says. A fuzzer can forge
/// neither tags nor sessions, so it is given both. Each step is an act (u8), then:
///   0  time: passes (u8, in steps that grow)
///   1  a frame with a right tag: from (u8) ‖ type u8 ‖ length u16 ‖ payload
///   2  a message under a peer's session: from (u8) ‖ bind u8 ‖ length u16 ‖ text
///   3  a call of a peer's: from (u8)
///   4  the peers answer what the agent sent them last, or what it sent is given back to it
///   5  what node/ tells an agent: a report, a port, a peer that comes or goes, other addresses
/// Properties: no crash; every datagram fits; few packets for each step; after a timeout nothing is
/// due; what is waited for lies ahead.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/mesh_secret.h"
#include "rendezvous/agent.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

/// Everything a step can set off at once: a ping on each path of both peers, with their binds,
/// calls through introducers, and batches for ports that nobody knows.
constexpr std::size_t kPacketsMax = 4 * kPathsMax + 4 * (kNearestIntroducers + 1) +
                                    2 * (kSprayBatch + kOpeningBatch + kGuessesPerTry);
constexpr std::uint16_t kSidePortFirst = 61'000;
constexpr std::size_t kStepsMax = 64;
constexpr WallTime kNoon{std::chrono::milliseconds{1'763'640'000'000}};

Endpoint place(std::uint8_t number) {
  return {IpAddress::v4(0xc6336400 + (number & 7)),
          static_cast<std::uint16_t>(4000 + (number >> 3))};
}

NatBehavior random_nat() {
  NatBehavior behavior;
  behavior.mapping = MappingBehavior::kEndpointDependent;
  behavior.random_ports = true;
  return behavior;
}

NatBehavior stepping_nat() {
  NatBehavior behavior;
  behavior.mapping = MappingBehavior::kEndpointDependent;
  behavior.port_step = std::int16_t{1};
  return behavior;
}

/// What needs expensive arithmetic, made once.
struct Mesh {
  testnet::SeededRandom random{1};
  crypto::KeySchedule keys{crypto::generate_mesh_secret(random)};
  crypto::NodeIdentity own = crypto::NodeIdentity::generate(random);
  crypto::NodeIdentity others[2] = {crypto::NodeIdentity::generate(random),
                                    crypto::NodeIdentity::generate(random)};
  SignedRecord own_record = record_of(own, 0);
  SignedRecord records[2] = {record_of(others[0], 1), record_of(others[1], 2)};
  /// The same, with ports in a row.
  SignedRecord stepping[2] = {record_of(others[0], 1, 30'000), record_of(others[1], 2, 50'000)};

  SignedRecord record_of(const crypto::NodeIdentity& identity, std::uint8_t at,
                         std::uint16_t newest = 0) const {
    PeerRecord record;
    record.sequence = newest == 0 ? 1 : 2;
    record.issued = kNoon;
    record.lifetime = std::chrono::hours(1);
    record.lease_since = kNoon;
    record.ipv4_network = *Prefix::parse("10.9.0.0/16");
    record.answers_frames = record.relays = true;
    record.candidates = {{CandidateKind::kHost, place(at)}};
    if (at == 0) record.candidates.push_back({CandidateKind::kServerReflexive, place(8)});
    if (newest != 0) {
      record.candidates.push_back({CandidateKind::kServerReflexive, {place(at).address, newest}});
      record.nat = stepping_nat();
    }
    return sign_record(record, identity, keys.mesh_id());
  }
};

const Mesh& mesh() {
  static const Mesh fixed = [] {
    crypto::initialise();
    return Mesh{};
  }();
  return fixed;
}

class World {
 public:
  World() {
    agent_.set_network(now(), addresses(0), {*Prefix::parse("10.9.0.0/16")});
    agent_.set_own_record(now(), mesh().own_record);
    for (const SignedRecord& record : mesh().records) agent_.set_peer(now(), record.record);
    for (Other& other : others_) call(other, place(other.number));
    collect();
    for (Other& other : others_) say(other, place(other.number), false, ping());
    collect();
  }

  /// False: the input is used up.
  bool step(ByteReader& input) {
    const std::uint8_t act = input.u8();
    Other& other = others_[act >> 3 & 1];
    switch (act % 6) {
      case 0:
        pass(input.u8());
        break;
      case 1: {
        const Endpoint from = place(input.u8());
        const FrameType type{input.u8()};
        give(from, encode_frame(type, text(input, kFramePayloadBytesMax), hour(), frame_keys_));
        break;
      }
      case 2: {
        const Endpoint from = place(input.u8());
        const bool bind = (input.u8() & 1) != 0;
        say(other, from, bind, text(input, kFramePayloadBytesMax - 40));
        break;
      }
      case 3:
        call(other, place(input.u8()));
        break;
      case 4:
        reply(input.u8());
        break;
      default:
        tell(input.u8(), other);
    }
    collect();
    return input.ok() && input.remaining() > 0;
  }

 private:
  struct Other {
    std::uint8_t number;
    PairLink link;
  };
  [[nodiscard]] Now now() const {
    return {steady_,
            kNoon + std::chrono::floor<std::chrono::milliseconds>(steady_ - TimePoint{1h})};
  }
  [[nodiscard]] Hour hour() const { return hour_of(now().wall); }
  static std::vector<LocalAddress> addresses(std::uint8_t at) {
    LocalAddress local;
    local.prefix = {place(at).address, 29};
    return {local};
  }
  static Bytes text(ByteReader& input, std::size_t most) {
    const std::size_t length = std::min<std::size_t>({input.be16(), input.remaining(), most});
    const ByteView bytes = input.raw(length);
    return {bytes.begin(), bytes.end()};
  }
  static Bytes ping() { return encode_pair_message(Ping{1, true, false, 0}); }

  /// At a side port if it is from far up.
  void give(const Endpoint& from, ByteView datagram) {
    const int above = from.port - (4000 + 16);
    agent_.handle_datagram(now(), from, datagram,
                           above < 0 ? 0 : static_cast<std::uint16_t>(kSidePortFirst + above));
  }
  void call(Other& other, const Endpoint& from) {
    give(from, other.link.call(now(), 0, mesh().records[other.number - 1].encoded));
  }
  /// Any text under the session: as a message if it is one, for the encoder knows no others.
  void say(Other& other, const Endpoint& from, bool bind, ByteView words) {
    const auto message = decode_pair_message(words);
    if (!message) return;
    const auto frame =
        other.link.seal(now(), bind ? FrameType::kBind : FrameType::kSession, *message);
    if (!frame) return;
    if (bind) return agent_.handle_bind(now(), 1, from, *frame);
    give(from, *frame);
  }
  void pass(std::uint8_t amount) {
    steady_ += std::chrono::milliseconds(1LL << (amount % 24)) + std::chrono::milliseconds(amount);
    agent_.handle_timeout(now());
    const auto due = agent_.next_timeout();
    assert(!due || *due > now().steady);
  }
  void reply(std::uint8_t how) {
    const std::vector<Transmit> sent = std::move(sent_);
    sent_.clear();
    for (const Transmit& transmit : sent) {
      if ((how & 1) != 0) give(transmit.to, transmit.payload);
      for (Other& other : others_) read(other, transmit);
    }
  }
  void read(Other& other, const Transmit& transmit) {
    const auto frame = open_frame(transmit.payload, hour(), frame_keys_);
    if (!frame) return;  // of an hour ago
    if (frame->type == FrameType::kAnswer) (void)other.link.handle_answer(now(), frame->payload);
    if (frame->type != FrameType::kSession) return;
    const auto received = other.link.open(now(), frame->type, frame->payload);
    const auto* asked = received ? std::get_if<Ping>(&received->message) : nullptr;
    if (asked) say(other, transmit.to, false, encode_pair_message(Pong{asked->id, 0, place(0)}));
  }
  void tell(std::uint8_t what, Other& other) {
    const crypto::NodeId& node = mesh().others[other.number - 1].node_id();
    switch (what % 5) {
      case 0:
        return agent_.handle_traffic(now(), node, (what & 8) != 0, (what & 16) != 0);
      case 1:
        return agent_.handle_relay_port(now(), what >> 5, static_cast<std::uint16_t>(what << 8));
      case 2:
        return agent_.remove_peer(node);
      case 3:
        return agent_.set_peer(
            now(), ((what & 8) != 0 ? mesh().stepping : mesh().records)[other.number - 1].record);
      default:
        agent_.set_own_nat((what & 8) == 0     ? NatBehavior{}
                           : (what & 128) == 0 ? random_nat()
                                               : stepping_nat());
        return agent_.set_network(now(), addresses(what >> 4), {*Prefix::parse("10.9.0.0/16")});
    }
  }
  void collect() {
    std::size_t packets = 0;
    while (auto departure = agent_.poll_transmit()) {
      Transmit& transmit = departure->transmit;
      assert(transmit.payload.size() <= kFrameBytesMax);
      assert(transmit.to.port != 0);
      assert(departure->from_port == 0 || departure->from_port >= kSidePortFirst);
      sent_.push_back(std::move(transmit));
      assert(++packets <= kPacketsMax);
    }
    if (sent_.size() > kPacketsMax) sent_.erase(sent_.begin(), sent_.end() - kPacketsMax);
    while (const auto event = agent_.poll_event()) {
      if (std::holds_alternative<SidePortsWanted>(*event)) {
        agent_.set_side_ports(now(), kSidePortFirst);
      }
    }
    (void)agent_.poll_ties();
    while (agent_.poll_relay_action()) {
    }
  }

  TimePoint steady_{1h};
  testnet::SeededRandom random_{2}, other_random_{3};
  FrameKeys frame_keys_{mesh().keys};
  SessionIndices indices_{other_random_};
  LinkContext contexts_[2] = {
      {mesh().keys, mesh().others[0], frame_keys_, indices_, other_random_},
      {mesh().keys, mesh().others[1], frame_keys_, indices_, other_random_}};
  Other others_[2] = {{1, PairLink(contexts_[0], mesh().own.node_id())},
                      {2, PairLink(contexts_[1], mesh().own.node_id())}};
  Agent agent_{mesh().keys, mesh().own, random_, {.side_ports = true}};
  std::vector<Transmit> sent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)mesh();
  World world;
  ByteReader input(std::as_bytes(std::span(data, size)));
  for (std::size_t i = 0; i < kStepsMax && world.step(input); ++i) {
  }
  return 0;
}
