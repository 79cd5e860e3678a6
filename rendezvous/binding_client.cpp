#include "rendezvous/binding_client.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

/// §6.3.3: an answer with an attribute that must be understood and is not is a failure.
std::optional<Endpoint> mapped_endpoint(const StunMessage& answer) {
  if (answer.message_class != StunClass::kSuccess) return std::nullopt;
  if (!answer.unknown_required().empty()) return std::nullopt;
  return answer.xor_mapped_address();
}

bool is_answer(const StunMessage& message) {
  return message.method == kStunBinding && (message.message_class == StunClass::kSuccess ||
                                            message.message_class == StunClass::kError);
}

}  // namespace

BindingClient::BindingClient(const Endpoint& server, RandomSource& random, TimePoint now)
    : server_(server), random_(random) {
  refresh_now(now);
}

bool BindingClient::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram) {
  if (from != server_) return false;
  const auto message = parse_stun(datagram);
  if (!message || !is_answer(*message) || message->transaction != transaction_) return false;
  const auto* waiting = std::get_if<Waiting>(&state_);
  if (waiting == nullptr) return true;  // a request that was sent twice was answered twice
  if (const auto mapped = mapped_endpoint(*message)) {
    binding_ = Binding{*mapped, waiting->asked_at};
    pause_ = Duration::zero();
    unsent_ = false;
    state_ = Mapped{now};
  } else {
    fail(now);
  }
  return true;
}

void BindingClient::handle_timeout(TimePoint now) {
  if (now < next_timeout()) return;
  if (auto* waiting = std::get_if<Waiting>(&state_)) {
    retransmit_or_fail(now, *waiting);
  } else {
    refresh_now(now);
  }
}

TimePoint BindingClient::next_timeout() const {
  if (const auto* waiting = std::get_if<Waiting>(&state_)) return waiting->due;
  if (const auto* unreachable = std::get_if<Unreachable>(&state_)) return unreachable->ask_at;
  return std::max(std::get<Mapped>(state_).since + pace_, paced_at_);
}

void BindingClient::set_pace(TimePoint now, Duration pace) {
  if (pace == pace_) return;
  pace_ = pace;
  paced_at_ = now;
}

std::optional<Transmit> BindingClient::poll_transmit() {
  if (!unsent_) return std::nullopt;
  unsent_ = false;
  return Transmit{server_, StunWriter(StunClass::kRequest, kStunBinding, transaction_).take()};
}

void BindingClient::refresh_now(TimePoint now) {
  random_.fill(transaction_);
  state_ =
      Waiting{.asked_at = now, .due = now + kStunRtoInitial, .rto = kStunRtoInitial, .requests = 1};
  unsent_ = true;
}

void BindingClient::retransmit_or_fail(TimePoint now, Waiting& waiting) {
  if (waiting.requests == kStunRequestsMax) return fail(now);
  ++waiting.requests;
  waiting.rto *= 2;
  const bool last = waiting.requests == kStunRequestsMax;
  waiting.due = now + (last ? kStunRtoInitial * kStunLastWaitFactor : waiting.rto);
  unsent_ = true;
}

void BindingClient::fail(TimePoint now) {
  pause_ = std::clamp(2 * pause_, kServerPauseFirst, kServerPauseLast);
  unsent_ = false;
  state_ = Unreachable{now + random_between(random_, pause_ / 2, pause_)};
}

}  // namespace kadwire::rendezvous
