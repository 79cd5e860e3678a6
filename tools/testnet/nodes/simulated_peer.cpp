#include "tools/testnet/nodes/simulated_peer.h"

#include <algorithm>
#include <utility>

namespace kadwire::testnet {
namespace {

/// Counters this far behind the newest are too old to tell whether they were received.
constexpr std::uint64_t kReplayWindow = 64;

/// WireGuard's timestamps leave out the last 24 bits of nanoseconds, so that they tell little of
/// the machine's timers: two initiations within 17 ms may look like a replay.
std::uint64_t timestamp_at(WallTime wall) {
  return unix_milliseconds(wall) * 1'000'000 >> 24;
}

}  // namespace

SimulatedPeer::SimulatedPeer(Surroundings around, const crypto::WireguardKey& key,
                             std::uint32_t index)
    : around_(around),
      key_(key),
      index_(index),
      retry_(around.timers, lifetime_, [this] { on_retry_due(); }),
      passive_keepalive_(around.timers, lifetime_, [this] { on_passive_keepalive_due(); }),
      unheard_(around.timers, lifetime_, [this] { on_unheard(); }),
      persistent_keepalive_(around.timers, lifetime_, [this] { on_persistent_keepalive_due(); }),
      forgetting_(around.timers, lifetime_, [this] { forget_sessions(); }) {}

void SimulatedPeer::configure(const node::PeerConfig& config, ByteView psk) {
  psk_digest_ = psk_digest(psk);
  if (config.endpoint) {
    endpoint_ = config.endpoint;
    forget_source();
  }
  const bool begins = keepalive_ == 0s && config.keepalive != 0s;
  keepalive_ = config.keepalive;
  if (begins) send_keepalive();
  send_staged();
}

void SimulatedPeer::send_packet(Packet packet) {
  stage(std::move(packet));
  send_staged();
}

void SimulatedPeer::stage(Packet packet) {
  if (staged_.size() == kStagedPacketsMax) staged_.erase(staged_.begin());
  staged_.push_back(std::move(packet));
}

/// Packets that wait already are as good as a keepalive.
void SimulatedPeer::send_keepalive() {
  if (staged_.empty()) stage({});
  send_staged();
}

void SimulatedPeer::send_staged() {
  if (staged_.empty()) return;
  if (!current_ || expired(*current_)) return initiate(Reason::kNeeded);
  for (Packet& packet : std::exchange(staged_, {})) send_data(std::move(packet));
}

void SimulatedPeer::send_data(Packet packet) {
  DataMessage message;
  message.from_initiator = current_->initiator;
  message.receiver_index = current_->remote_index;
  message.session = current_->id;
  message.counter = current_->sent++;
  message.source_tag = packet.source_tag;
  message.packet = std::move(packet.bytes);
  on_authenticated_sent();
  const bool left = transmit(encode(message));
  if (!message.packet.empty() && !unheard_.pending()) {
    unheard_.restart(kKeepaliveTimeout + kRekeyTimeout + jitter());
  }
  if (left) refresh_after_sending();
}

bool SimulatedPeer::transmit(Bytes datagram) {
  if (!endpoint_ || source_gone_) return false;
  tx_bytes_ += datagram.size();
  around_.send({*endpoint_, std::move(datagram)}, source_);
  return true;
}

/// One that has nowhere to go counts all the same: the next comes only after kRekeyTimeout.
void SimulatedPeer::initiate(Reason reason) {
  if (reason == Reason::kNeeded) retries_ = 0;
  const Now now = around_.timers.now();
  if (handshake_sent_ && now.steady - *handshake_sent_ < kRekeyTimeout) return;
  handshake_sent_ = now.steady;
  InitiationMessage message;
  message.sender_index = index_;
  message.session = random_u64(around_.random);
  message.timestamp = timestamp_at(now.wall);
  message.sender = around_.own_key;
  message.receiver = key_;
  own_initiation_ = message.session;
  on_authenticated_sent();
  transmit(encode(message));
  retry_.restart(kRekeyTimeout + jitter());
}

void SimulatedPeer::handle_initiation(const Arrival& arrival, const InitiationMessage& message) {
  if (!is_new_initiation(message)) return;
  greatest_timestamp_ = message.timestamp;
  initiation_received_ = around_.timers.now().steady;
  own_initiation_.reset();  // there is one handshake at a time
  on_authenticated_received();
  learn_endpoint(arrival);
  rx_bytes_ += kInitiationBytes;
  respond(message);
}

bool SimulatedPeer::is_new_initiation(const InitiationMessage& message) const {
  const TimePoint now = around_.timers.now().steady;
  const bool flood = initiation_received_ && now - *initiation_received_ <= kInitiationIntervalMin;
  return message.timestamp > greatest_timestamp_ && !flood;
}

void SimulatedPeer::respond(const InitiationMessage& message) {
  handshake_sent_ = around_.timers.now().steady;
  derive_as_responder(message);
  on_authenticated_sent();
  transmit(encode(ResponseMessage{.sender_index = index_,
                                  .receiver_index = message.sender_index,
                                  .session = message.session,
                                  .psk_digest = psk_digest_}));
}

void SimulatedPeer::handle_response(const Arrival& arrival, const ResponseMessage& message) {
  if (own_initiation_ != message.session || message.psk_digest != psk_digest_) return;
  own_initiation_.reset();
  learn_endpoint(arrival);
  rx_bytes_ += kResponseBytes;
  on_authenticated_received();
  derive_as_initiator(message);
  on_handshake_complete();
  send_keepalive();  // confirms the session to the responder
}

std::optional<SimulatedPeer::Packet> SimulatedPeer::handle_data(const Arrival& arrival,
                                                                DataMessage message) {
  Session* session = find_session(message.session);
  const bool ours = session != nullptr && session->initiator != message.from_initiator &&
                    !expired(*session) && take_counter(*session, message.counter);
  if (!ours) return std::nullopt;
  heard_at_ = around_.timers.now().steady;
  learn_endpoint(arrival);
  if (next_ && next_->id == message.session) confirm_next();
  rx_bytes_ += kKeepaliveBytes + padded_size(message.packet.size());
  refresh_after_receiving();
  on_authenticated_received();
  if (message.packet.empty()) return std::nullopt;
  if (passive_keepalive_.pending()) {
    another_keepalive_needed_ = true;
  } else {
    passive_keepalive_.restart(kKeepaliveTimeout);
  }
  return Packet{message.source_tag, std::move(message.packet)};
}

void SimulatedPeer::addresses_changed(const std::function<bool(const IpAddress&)>& is_own) {
  source_gone_ = source_ && !is_own(*source_);
}

void SimulatedPeer::use_to_send(const Session& session) {
  current_ = session;
  if (around_.session_made) around_.session_made(key_);
}

void SimulatedPeer::derive_as_initiator(const ResponseMessage& message) {
  previous_ = next_ ? std::exchange(next_, std::nullopt) : current_;
  forgetting_.restart(3 * kRejectAfterTime);
  use_to_send({.id = message.session,
               .created = around_.timers.now().steady,
               .initiator = true,
               .remote_index = message.sender_index});
}

/// The session waits until the initiator proves, with data, that it has it too.
void SimulatedPeer::derive_as_responder(const InitiationMessage& message) {
  previous_.reset();
  next_ = Session{.id = message.session,
                  .created = around_.timers.now().steady,
                  .initiator = false,
                  .remote_index = message.sender_index};
  forgetting_.restart(3 * kRejectAfterTime);
}

void SimulatedPeer::confirm_next() {
  previous_ = current_;
  use_to_send(*std::exchange(next_, std::nullopt));
  on_handshake_complete();
  send_staged();
}

SimulatedPeer::Session* SimulatedPeer::find_session(std::uint64_t id) {
  for (auto* session : {&current_, &next_, &previous_}) {
    if (*session && (*session)->id == id) return &**session;
  }
  return nullptr;
}

bool SimulatedPeer::take_counter(Session& session, std::uint64_t counter) {
  if (counter > session.newest) {
    const std::uint64_t ahead = counter - session.newest;
    session.received_map = ahead < kReplayWindow ? session.received_map << ahead : 0;
    session.newest = counter;
  }
  const std::uint64_t behind = session.newest - counter;
  if (behind >= kReplayWindow) return false;
  const std::uint64_t bit = std::uint64_t{1} << behind;
  const bool fresh = (session.received_map & bit) == 0;
  session.received_map |= bit;
  return fresh;
}

bool SimulatedPeer::expired(const Session& session) const {
  return around_.timers.now().steady - session.created >= kRejectAfterTime;
}

void SimulatedPeer::learn_endpoint(const Arrival& arrival) {
  endpoint_ = arrival.from;
  source_ = arrival.at;
  source_gone_ = false;
}

void SimulatedPeer::forget_source() {
  source_.reset();
  source_gone_ = false;
}

Duration SimulatedPeer::jitter() {
  return random_between(around_.random, 0s, kRekeyJitterMax);
}

void SimulatedPeer::on_authenticated_sent() {
  passive_keepalive_.cancel();
  if (keepalive_ != 0s) persistent_keepalive_.restart(keepalive_);
}

void SimulatedPeer::on_authenticated_received() {
  unheard_.cancel();
  if (keepalive_ != 0s) persistent_keepalive_.restart(keepalive_);
}

void SimulatedPeer::on_handshake_complete() {
  retry_.cancel();
  retries_ = 0;
  last_minute_handshake_sent_ = false;
  last_handshake_ = around_.timers.now().wall;
}

void SimulatedPeer::refresh_after_sending() {
  const Duration age = around_.timers.now().steady - current_->created;
  if (current_->initiator && age > kRekeyAfterTime) initiate(Reason::kNeeded);
}

/// Whoever only receives renews the session too, at the last moment at which a retry fits in.
void SimulatedPeer::refresh_after_receiving() {
  if (last_minute_handshake_sent_ || !current_ || !current_->initiator) return;
  const Duration age = around_.timers.now().steady - current_->created;
  if (age <= kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout) return;
  last_minute_handshake_sent_ = true;
  initiate(Reason::kNeeded);
}

void SimulatedPeer::on_retry_due() {
  if (retries_ < kHandshakeRetriesMax) {
    ++retries_;
    forget_source();
    return initiate(Reason::kRetry);
  }
  passive_keepalive_.cancel();
  staged_.clear();
  if (!forgetting_.pending()) forgetting_.restart(3 * kRejectAfterTime);
}

void SimulatedPeer::on_passive_keepalive_due() {
  send_keepalive();
  if (std::exchange(another_keepalive_needed_, false)) {
    passive_keepalive_.restart(kKeepaliveTimeout);
  }
}

void SimulatedPeer::on_unheard() {
  forget_source();
  initiate(Reason::kNeeded);
}

void SimulatedPeer::on_persistent_keepalive_due() {
  if (keepalive_ != 0s) send_keepalive();
}

void SimulatedPeer::forget_sessions() {
  current_.reset();
  previous_.reset();
  next_.reset();
  own_initiation_.reset();
  staged_.clear();
}

node::PeerStatus SimulatedPeer::status() const {
  node::PeerStatus status;
  status.key = key_;
  status.endpoint = endpoint_;
  status.keepalive = keepalive_;
  status.last_handshake = last_handshake_;
  status.rx_bytes = rx_bytes_;
  status.tx_bytes = tx_bytes_;
  return status;
}

std::optional<std::uint64_t> SimulatedPeer::sending_session() const {
  if (!current_ || expired(*current_)) return std::nullopt;
  return current_->id;
}

bool SimulatedPeer::accepts_session(std::uint64_t id) const {
  return std::ranges::any_of(
      std::initializer_list<const std::optional<Session>*>{&current_, &next_, &previous_},
      [&](const auto* session) { return *session && (*session)->id == id && !expired(**session); });
}

}  // namespace kadwire::testnet
