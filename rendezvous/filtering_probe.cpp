#include "rendezvous/filtering_probe.h"

#include <algorithm>
#include <string>

namespace kadwire::rendezvous {
namespace {

/// A server that gives no more than it gets needs this much for its answer with OTHER-ADDRESS: two
/// addresses of the larger family behind the header.
constexpr std::size_t kAskBytes = kStunHeaderBytes + 2 * 24;

/// SOFTWARE may hold any text and is skipped by whoever does not care (RFC 8489 §14.14).
Bytes ordinary_request(const StunTransactionId& transaction) {
  std::string name = "kadwire";
  name.resize(kAskBytes - kStunHeaderBytes - 4, ' ');
  return StunWriter(StunClass::kRequest, kStunBinding, transaction).software(name).take();
}

Bytes changing_request(const StunTransactionId& transaction, StunChange change) {
  return StunWriter(StunClass::kRequest, kStunBinding, transaction).change_request(change).take();
}

}  // namespace

FilteringProbe::FilteringProbe(const Endpoint& server, std::span<const IpAddress> sent_to,
                               RandomSource& random, TimePoint now)
    : server_(server), sent_to_(sent_to.begin(), sent_to.end()) {
  random.fill(transaction_);
  sent_to_.insert(server.address);
  due_ = now + kFilteringSpacing;
  send(Test::kControl);
}

bool FilteringProbe::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram) {
  if (finished()) return false;
  const auto answer = parse_stun(datagram);
  if (!answer || answer->method != kStunBinding ||
      !std::ranges::equal(std::span(answer->transaction).subspan<2>(),
                          std::span(transaction_).subspan<2>())) {
    return false;
  }
  const bool success = answer->message_class == StunClass::kSuccess;
  const bool refusal = answer->message_class == StunClass::kError;
  if (!success && !refusal) return false;
  const auto test = static_cast<Test>(answer->transaction[0]);
  const int round = std::to_integer<int>(answer->transaction[1]);
  if (test == Test::kControl) {
    if (from == server_) on_control(now, round, *answer);
  } else if (success && from.address == server_.address) {
    from_other_port_ |= from.port != server_.port;
  } else if (success) {
    from_other_address_ |= !sent_to_.contains(from.address);
  }
  const bool all_known = from_other_address_ || (from_other_port_ && !asks_other_address());
  if (stage_ == Stage::kTesting && all_known) stage_ = Stage::kFinished;
  return true;
}

void FilteringProbe::on_control(TimePoint now, int round, const StunMessage& answer) {
  if (stage_ == Stage::kTesting) {
    controls_.insert(round);
    return;
  }
  other_ = answer.other_address();
  const bool usable = other_ && other_->port != 0 && *other_ != server_ &&
                      other_->address.family() == server_.address.family();
  if (!usable) {
    other_.reset();
    stage_ = Stage::kFinished;
    return;
  }
  stage_ = Stage::kTesting;
  round_ = 0;
  begin_round(now);
}

void FilteringProbe::handle_timeout(TimePoint now) {
  if (finished() || now < due_) return;
  if (stage_ == Stage::kTesting) {
    if (round_ == kFilteringRounds) {
      stage_ = Stage::kFinished;
    } else {
      begin_round(now);
    }
  } else if (++round_ == kFilteringAsksMax) {
    stage_ = Stage::kFinished;
  } else {
    due_ = now + kFilteringSpacing * (1 << round_);
    send(Test::kControl);
  }
}

void FilteringProbe::begin_round(TimePoint now) {
  send(Test::kControl);
  send(Test::kOtherPort);
  if (asks_other_address()) send(Test::kOtherAddress);
  ++round_;
  due_ = now + (round_ == kFilteringRounds ? kFilteringLastWait : kFilteringSpacing);
}

/// Not if the port sends there anyway.
bool FilteringProbe::asks_other_address() const {
  return other_ && !sent_to_.contains(other_->address);
}

void FilteringProbe::send(Test test) {
  transaction_[0] = static_cast<std::byte>(test);
  transaction_[1] = static_cast<std::byte>(round_);
  if (test == Test::kControl) {
    unsent_.push_back({server_, ordinary_request(transaction_)});
    return;
  }
  const StunChange change{.address = test == Test::kOtherAddress, .port = true};
  unsent_.push_back({server_, changing_request(transaction_, change)});
}

std::optional<TimePoint> FilteringProbe::next_timeout() const {
  return finished() ? std::nullopt : std::optional(due_);
}

std::optional<Transmit> FilteringProbe::poll_transmit() {
  if (unsent_.empty()) return std::nullopt;
  Transmit transmit = std::move(unsent_.front());
  unsent_.erase(unsent_.begin());
  return transmit;
}

FilteringBehavior FilteringProbe::result() const {
  if (from_other_address_) return FilteringBehavior::kEndpointIndependent;
  const bool silence_counts =
      finished() && static_cast<int>(controls_.size()) >= kFilteringControlsMin;
  if (from_other_port_) {
    return silence_counts && asks_other_address() ? FilteringBehavior::kAddressDependent
                                                  : FilteringBehavior::kPortIndependent;
  }
  return silence_counts ? FilteringBehavior::kAddressAndPortDependent : FilteringBehavior::kUnknown;
}

}  // namespace kadwire::rendezvous
