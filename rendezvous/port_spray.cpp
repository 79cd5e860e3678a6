#include "rendezvous/port_spray.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

constexpr std::uint32_t kSprayedPorts = 65'536 - kSprayedPortMin;
/// 64,512 is 2¹⁰·3²·7: what is one more than a multiple of 42 shares no divisor with it, and such
/// steps come by every port before they come by one again.
constexpr std::uint32_t kStepPart = 2 * 3 * 7;

static_assert(kSidePorts % kOpeningBatch == 0 && kSprayProbes % kSprayBatch == 0);
static_assert(kSprayedPorts == 64'512);

}  // namespace

TimePoint LuckPace::next(Duration spacing, Duration window) const {
  if (tries_.empty()) return {};
  const TimePoint spaced = tries_.back() + spacing;
  return tries_.size() < kLuckTriesMax ? spaced : std::max(spaced, tries_.front() + window);
}

void LuckPace::note(TimePoint now) {
  if (tries_.size() == kLuckTriesMax) tries_.erase(tries_.begin());
  tries_.push_back(now);
}

std::vector<std::uint16_t> PortOpening::take(TimePoint now) {
  std::vector<std::uint16_t> ports;
  if (!next_ || now < *next_) return ports;
  for (int i = 0; i < kOpeningBatch; ++i) {
    ports.push_back(static_cast<std::uint16_t>(first_port_ + taken_++ % kSidePorts));
  }
  const bool ends_round = taken_ % kSidePorts == 0;
  next_ = now + (ends_round ? kOpeningRoundPause : kOpeningPause);
  if (taken_ == kOpeningRounds * kSidePorts) next_.reset();
  return ports;
}

PortSpray::PortSpray(const IpAddress& at, RandomSource& random, TimePoint now)
    : at_(at),
      first_(static_cast<std::uint32_t>(random_below(random, kSprayedPorts))),
      step_(kStepPart * static_cast<std::uint32_t>(
                            1 + random_below(random, kSprayedPorts / kStepPart - 1)) +
            1),
      next_(now) {}

std::vector<Endpoint> PortSpray::take(TimePoint now) {
  std::vector<Endpoint> endpoints;
  if (!next_ || now < *next_) return endpoints;
  for (int i = 0; i < kSprayBatch; ++i) {
    const std::uint32_t away = first_ + static_cast<std::uint32_t>(taken_++) * step_;
    const std::uint32_t port = kSprayedPortMin + away % kSprayedPorts;
    endpoints.push_back({at_, static_cast<std::uint16_t>(port)});
  }
  next_ = now + kSprayPause;
  if (taken_ == kSprayProbes) next_.reset();
  return endpoints;
}

}  // namespace kadwire::rendezvous
