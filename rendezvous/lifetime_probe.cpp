#include "rendezvous/lifetime_probe.h"

#include <algorithm>
#include <utility>

#include "rendezvous/stun_responder.h"

namespace kadwire::rendezvous {
namespace {

/// SOFTWARE makes a request at least as long as its answer in either family, 44 bytes, without
/// which none is sent to another port.
constexpr std::string_view kName = "kadwire lifetime";

}  // namespace

LifetimeProbe::LifetimeProbe(const Endpoint& server, Duration silence, RandomSource& random,
                             TimePoint now)
    : server_(server), silence_(silence) {
  random.fill(transaction_);
  enter(now, Stage::kMapping);
}

bool LifetimeProbe::handle_datagram(TimePoint now, LifetimePort port, const Endpoint& from,
                                    ByteView datagram) {
  if (finished() || from != server_) return false;
  const auto answer = parse_stun(datagram);
  if (!answer || answer->method != kStunBinding ||
      !std::ranges::equal(std::span(answer->transaction).subspan<3>(),
                          std::span(transaction_).subspan<3>())) {
    return false;
  }
  if (answer->message_class != StunClass::kSuccess) {
    return answer->message_class == StunClass::kError;
  }
  const auto test = static_cast<Test>(answer->transaction[0]);
  const auto asked_in = static_cast<Stage>(answer->transaction[1]);
  const bool silent = port == LifetimePort::kSilent;
  if (test == Test::kMapping && silent && asked_in == stage_) on_mapped(now, *answer);
  if (test == Test::kRedirected && silent) on_redirected(now, asked_in);
  if (test == Test::kControl && !silent && asked_in == stage_) {
    // At another address outside than the silent port's an answer would go astray.
    const auto seen = answer->xor_mapped_address();
    const bool same = seen && mapped_ && seen->address == mapped_->address;
    if (same) controls_.insert(std::to_integer<int>(answer->transaction[2]));
  }
  return true;
}

void LifetimeProbe::on_mapped(TimePoint now, const StunMessage& answer) {
  const auto mapped = answer.xor_mapped_address();
  if (!mapped || mapped->port < kResponsePortMin) return finish(LifetimeVerdict::kUnsupported);
  const bool first = !mapped_;
  mapped_ = mapped;
  if (first) mapped_at_ = now;
  enter(now, first ? Stage::kProving : Stage::kSilent);
}

void LifetimeProbe::on_redirected(TimePoint now, Stage asked_in) {
  if (stage_ == Stage::kProving) return enter(now, Stage::kWarming);
  // A straggler from before the silence proves nothing.
  if (stage_ == Stage::kAsking && asked_in == Stage::kAsking) finish(LifetimeVerdict::kAlive);
}

void LifetimeProbe::handle_timeout(TimePoint now) {
  if (finished() || now < due_) return;
  if (stage_ == Stage::kSilent) return enter(now, Stage::kAsking);
  if (round_ == rounds_max()) return give_up();
  repeat(now);
}

void LifetimeProbe::enter(TimePoint now, Stage stage) {
  stage_ = stage;
  round_ = 0;
  controls_.clear();
  if (stage == Stage::kSilent) {
    due_ = now + silence_;
  } else if (stage == Stage::kWarming) {
    due_ = std::max(now, mapped_at_ + kLifetimeWarmUp);
  } else {
    repeat(now);
  }
}

void LifetimeProbe::repeat(TimePoint now) {
  if (stage_ == Stage::kMapping || stage_ == Stage::kWarming) {
    send(Test::kMapping);
  } else {
    send(Test::kControl);
    send(Test::kRedirected);
  }
  ++round_;
  due_ = now + (round_ == rounds_max() ? kLifetimeLastWait : kLifetimeSpacing);
}

int LifetimeProbe::rounds_max() const {
  return stage_ == Stage::kAsking ? kLifetimeRounds : kLifetimeAsksMax;
}

void LifetimeProbe::give_up() {
  const int answered = static_cast<int>(controls_.size());
  if (stage_ == Stage::kMapping) return finish(LifetimeVerdict::kUnanswered);
  if (stage_ == Stage::kProving) return finish(LifetimeVerdict::kUnsupported);
  const bool counts = stage_ == Stage::kAsking && answered >= kLifetimeControlsMin;
  finish(counts ? LifetimeVerdict::kGone : LifetimeVerdict::kUnknown);
}

void LifetimeProbe::finish(LifetimeVerdict verdict) {
  stage_ = Stage::kFinished;
  verdict_ = verdict;
}

void LifetimeProbe::send(Test test) {
  transaction_[0] = static_cast<std::byte>(test);
  transaction_[1] = static_cast<std::byte>(stage_);
  transaction_[2] = static_cast<std::byte>(round_);
  StunWriter request(StunClass::kRequest, kStunBinding, transaction_);
  const bool silent = test == Test::kMapping;
  if (test == Test::kRedirected) request.software(kName).response_port(mapped_->port);
  unsent_.push_back(
      {silent ? LifetimePort::kSilent : LifetimePort::kAsking, {server_, request.take()}});
}

std::optional<TimePoint> LifetimeProbe::next_timeout() const {
  return finished() ? std::nullopt : std::optional(due_);
}

std::optional<Transmit> LifetimeProbe::poll_transmit(LifetimePort port) {
  const auto next = std::ranges::find(unsent_, port, &Outgoing::port);
  if (next == unsent_.end()) return std::nullopt;
  Transmit transmit = std::move(next->transmit);
  unsent_.erase(next);
  return transmit;
}

}  // namespace kadwire::rendezvous
