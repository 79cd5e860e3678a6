#pragma once

/// One who holds the secret and an identity, and says what no honest agent would, from wherever it
/// likes. It answers the pings and calls that reach it, until it is told otherwise.

#include <optional>
#include <vector>

#include "tests/unit/rendezvous/agent_world.h"

namespace kadwire::rendezvous::testing {

class Liar {
 public:
  Liar(AgentWorld& world, Endpoint at)
      : world_(world),
        at_(at),
        identity_(world.mesh.make_identity()),
        frame_keys_(world.mesh.keys()),
        indices_(world.mesh.random()),
        context_{world.mesh.keys(), identity_, frame_keys_, indices_, world.mesh.random()} {
    world.others[at] = [this](const Packet& packet) { receive(packet.payload); };
  }
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;

  [[nodiscard]] const crypto::NodeId& id() const { return identity_.node_id(); }
  [[nodiscard]] const Endpoint& at() const { return at_; }
  [[nodiscard]] PairLink& link() { return *link_; }
  [[nodiscard]] FrameKeys& frame_keys() { return frame_keys_; }
  [[nodiscard]] const Bytes& record() const { return record_.encoded; }

  /// A newer record with these candidates.
  const SignedRecord& claim(const std::vector<Endpoint>& endpoints) {
    PeerRecord said = world_.mesh.record_at(world_.now().wall);
    said.sequence = ++sequence_;
    said.answers_frames = true;
    said.nat = nat;
    for (const Endpoint& endpoint : endpoints) {
      said.candidates.push_back({CandidateKind::kServerReflexive, endpoint});
    }
    record_ = world_.mesh.sign(std::move(said), identity_);
    return record_;
  }
  /// Becomes a peer of `victim` that is reached at `at()`.
  void join(Member& victim, std::vector<Endpoint> claims = {}) {
    if (claims.empty()) claims = {at_};
    victim_ = &victim;
    link_.emplace(context_, victim.id());
    victim.agent->set_peer(world_.now(), claim(claims).record);
    deliver(at_, link_->call(world_.now(), 0, record_.encoded));
    world_.run_for(100ms);
    say(at_, Ping{1, true, false, 0});
    world_.run_for(5s);
    EXPECT_EQ(victim.agent->session(id())->chosen().value_or(ChosenPath{}).endpoint, at_);
  }
  void deliver(const Endpoint& from, ByteView datagram) {
    victim_->agent->handle_datagram(world_.now(), from, datagram);
  }
  [[nodiscard]] Bytes frame(const PairMessage& message, FrameType type = FrameType::kSession) {
    return link_->seal(world_.now(), type, message).value();
  }
  void say(const Endpoint& from, const PairMessage& message) { deliver(from, frame(message)); }
  /// From now on its words reach the victim through another only.
  void answer_only_through(Liar& other) { through_ = &other; }

  /// Nothing reaches it any more.
  void fall_silent() { world_.others.erase(at_); }

  /// A datagram of the victim's; `passed_on`: by another liar.
  void receive(ByteView datagram, bool passed_on = false) {
    const auto frame = open_frame(datagram, hour_of(world_.now().wall), frame_keys_);
    if (!frame) return;
    if (frame->type == FrameType::kAnswer) (void)link_->handle_answer(world_.now(), frame->payload);
    if (frame->type == FrameType::kCall) {
      if (auto call = read_call(context_, frame->payload)) {
        tell(link_->answer(world_.now(), std::move(*call), {}));
      }
    }
    if (frame->type != FrameType::kSession) return;
    const auto received = link_->open(world_.now(), frame->type, frame->payload);
    if (!received) return;
    if (const auto* ping = std::get_if<Ping>(&received->message)) {
      if (withholds) return;
      if (through_ == nullptr || passed_on) tell(this->frame(Pong{ping->id, ping->epoch, {}}));
    } else if (const auto* forward = std::get_if<Forward>(&received->message)) {
      if (through_ != nullptr && forward->to == through_->id())
        through_->receive(forward->frame, true);
    }
  }
  /// What the victim wants sent now, timers that are due included.
  std::vector<Transmit> drain() {
    std::vector<Transmit> sent;
    Agent& agent = *victim_->agent;
    const auto due = agent.next_timeout();
    if (due && *due <= world_.now().steady) agent.handle_timeout(world_.now());
    while (auto transmit = agent.poll_transmit()) {
      steps_.take(world_.now().steady);
      sent.push_back(std::move(transmit->transmit));
    }
    return sent;
  }

  std::optional<NatBehavior> nat;  ///< what it claims of its own
  bool withholds = false;          ///< the answers to pings

 private:
  void tell(const Bytes& datagram) {
    if (through_ == nullptr) return deliver(at_, datagram);
    through_->say(through_->at(), Forwarded{id(), datagram});
  }

  AgentWorld& world_;
  kadwire::testing::StepBound steps_;
  Endpoint at_;
  crypto::NodeIdentity identity_;
  FrameKeys frame_keys_;
  SessionIndices indices_;
  LinkContext context_;
  std::uint64_t sequence_ = 1;
  SignedRecord record_;
  Member* victim_ = nullptr;
  std::optional<PairLink> link_;
  Liar* through_ = nullptr;
};

}  // namespace kadwire::rendezvous::testing
