#include "rendezvous/pair_link.h"

#include <algorithm>
#include <cassert>

namespace kadwire::rendezvous {
namespace {

/// Both sides hash it: a handshake of another mesh, or another protocol, never fits.
Bytes prologue(const LinkContext& context) {
  return ByteWriter().text("kadwire pair v1").raw(context.keys.mesh_id()).take();
}

/// What stands in clear beside a session's message.
Bytes associated_data(FrameType type, std::uint32_t receiver) {
  return ByteWriter().u8(static_cast<std::uint8_t>(type)).be32(receiver).take();
}

}  // namespace

std::optional<ReceivedCall> read_call(const LinkContext& context, ByteView payload) {
  ByteReader reader(payload);
  const std::uint32_t caller_index = reader.be32();
  const ByteView message = reader.raw(reader.remaining());
  if (!reader.ok()) return std::nullopt;
  const crypto::SecretBytes psk = context.keys.noise_psk();
  const Bytes agreed = prologue(context);
  auto call = crypto::NoiseResponder::read({context.identity.noise_keys(), psk, agreed}, message);
  if (!call) return std::nullopt;
  return ReceivedCall{caller_index, std::move(*call)};
}

std::optional<CallPayload> read_call_payload(ByteView payload) {
  ByteReader reader(payload);
  CallPayload call;
  call.known_sequence = reader.be64();
  call.record = reader.raw(reader.remaining());
  if (!reader.ok() || call.record.empty()) return std::nullopt;
  return call;
}

std::optional<std::uint32_t> receiver_index(ByteView payload) {
  ByteReader reader(payload);
  const std::uint32_t index = reader.be32();
  return reader.ok() ? std::optional(index) : std::nullopt;
}

PairLink::PairLink(const LinkContext& context, const crypto::NodeId& peer)
    : context_(context), peer_(peer) {
  const auto key = crypto::noise_key(peer);
  assert(key && "a record's signature proves its NodeId");
  peer_key_ = *key;
}

PairLink::~PairLink() {
  drop_call();
  for (const Session& session : sessions_) context_.indices.remove(session.own_index);
}

Bytes PairLink::call(Now now, std::uint64_t known_sequence, ByteView own_record) {
  if (call_ && now.steady - call_->made > kCallLifetime) drop_call();
  if (!call_) {
    const Bytes payload = ByteWriter().be64(known_sequence).raw(own_record).take();
    const crypto::SecretBytes psk = context_.keys.noise_psk();
    const Bytes agreed = prologue(context_);
    auto noise = crypto::NoiseInitiator::start({context_.identity.noise_keys(), psk, agreed},
                                               peer_key_, payload, context_.random);
    assert(noise && "noise_key() gives no key of low order");
    call_ =
        std::make_unique<Call>(Call{context_.indices.add(peer_), std::move(*noise), now.steady});
  }
  const Bytes payload = ByteWriter().be32(call_->own_index).raw(call_->noise.message()).take();
  return encode_frame(FrameType::kCall, payload, hour_of(now.wall), context_.frame_keys);
}

void PairLink::drop_call() {
  if (!call_) return;
  context_.indices.remove(call_->own_index);
  call_.reset();
}

Bytes PairLink::answer(Now now, ReceivedCall call, const Endpoint& seen) {
  ByteWriter writer;
  write_endpoint(writer, seen);
  auto answer = std::move(call.call).answer(writer.view(), context_.random);
  const std::uint32_t own_index = context_.indices.add(peer_);
  add({own_index, call.caller_index, std::move(answer.session), now.steady, false});
  const Bytes payload =
      ByteWriter().be32(call.caller_index).be32(own_index).raw(answer.message).take();
  return encode_frame(FrameType::kAnswer, payload, hour_of(now.wall), context_.frame_keys);
}

std::optional<PairLink::Answered> PairLink::handle_answer(Now now, ByteView payload) {
  ByteReader reader(payload);
  const std::uint32_t own_index = reader.be32();
  const std::uint32_t peer_index = reader.be32();
  const ByteView message = reader.raw(reader.remaining());
  if (!reader.ok() || !call_ || call_->own_index != own_index) return std::nullopt;
  auto answered = call_->noise.read_answer(message);
  if (!answered) return std::nullopt;
  ByteReader text(answered->payload);
  const auto seen = read_endpoint(text);
  call_.reset();  // its number goes on as the session's
  add({own_index, peer_index, std::move(answered->session), now.steady, true});
  return Answered{seen.value_or(Endpoint{})};
}

std::optional<PairLink::Received> PairLink::open(Now now, FrameType type, ByteView payload) {
  trim(now.steady);
  ByteReader reader(payload);
  const std::uint32_t index = reader.be32();
  const ByteView sealed = reader.raw(reader.remaining());
  const auto session = std::ranges::find(sessions_, index, &Session::own_index);
  if (!reader.ok() || session == sessions_.end()) return std::nullopt;
  const auto text = session->noise.open(sealed, associated_data(type, index));
  if (!text) return std::nullopt;
  const bool confirms = !std::exchange(session->confirmed, true);
  if (confirms) trim(now.steady);
  auto message = decode_pair_message(*text);
  if (!message) return std::nullopt;
  return Received{std::move(*message), confirms};
}

std::optional<Bytes> PairLink::seal(Now now, FrameType type, const PairMessage& message) {
  trim(now.steady);
  Session* session = sending();
  if (session == nullptr) return std::nullopt;
  const Bytes text = encode_pair_message(message);
  const auto sealed = session->noise.seal(text, associated_data(type, session->peer_index));
  if (!sealed) return std::nullopt;
  const Bytes payload = ByteWriter().be32(session->peer_index).raw(*sealed).take();
  return encode_frame(type, payload, hour_of(now.wall), context_.frame_keys);
}

bool PairLink::established() const {
  return sending() != nullptr;
}

std::optional<TimePoint> PairLink::established_at() const {
  const Session* session = sending();
  return session == nullptr ? std::nullopt : std::optional(session->made);
}

std::optional<TimePoint> PairLink::renewal() const {
  const auto made = established_at();
  if (!made) return std::nullopt;
  const bool first = context_.identity.node_id() < peer_;
  return *made + (first ? kSessionLifetime : kSessionLifetimeOther);
}

void PairLink::add(Session session) {
  const TimePoint now = session.made;
  sessions_.insert(sessions_.begin(), std::move(session));
  trim(now);
}

/// Keeps the newest of each sort.
void PairLink::trim(TimePoint now) {
  std::size_t confirmed = 0, unconfirmed = 0;
  std::erase_if(sessions_, [&](const Session& session) {
    std::size_t& count = session.confirmed ? confirmed : unconfirmed;
    const bool goes = ++count > kSessionsOfSortMax || now - session.made > kSessionExpiry;
    if (goes) context_.indices.remove(session.own_index);
    return goes;
  });
}

PairLink::Session* PairLink::sending() {
  const auto found = std::ranges::find(sessions_, true, &Session::confirmed);
  return found == sessions_.end() ? nullptr : &*found;
}

const PairLink::Session* PairLink::sending() const {
  const auto found = std::ranges::find(sessions_, true, &Session::confirmed);
  return found == sessions_.end() ? nullptr : &*found;
}

}  // namespace kadwire::rendezvous
