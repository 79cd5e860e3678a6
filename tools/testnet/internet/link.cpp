#include "tools/testnet/internet/link.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace kadwire::testnet {
namespace {

bool has_variation(const LinkModel& model) {
  return model.jitter > 0ns || model.loss > 0 || model.bursts || model.duplicate > 0 ||
         model.reorder > 0 || model.bits_per_second > 0;
}

/// A fraction of a duration, in whole nanoseconds.
Duration scaled(Duration duration, double factor) {
  return Duration(std::llround(static_cast<double>(duration.count()) * factor));
}

}  // namespace

Duration draw_latency(const LatencyModel& model, Dice& dice) {
  switch (model.shape) {
    case LatencyModel::Shape::kFixed:
      return model.low;
    case LatencyModel::Shape::kUniform:
      return model.low + scaled(model.high - model.low, dice.fraction());
    case LatencyModel::Shape::kLogNormal:
      return scaled(model.low, std::exp(model.sigma * dice.normal()));
  }
  assert(false);
  return model.low;
}

Link::Link(const LinkModel& model, std::uint64_t seed)
    : model_(model), varies_(has_variation(model)), dice_(seed) {
  assert(model.mtu_bytes > 0);
}

Transit Link::pass(TimePoint now, std::size_t wire_bytes, std::size_t fragment_bytes) {
  if (std::min(wire_bytes, fragment_bytes) > model_.mtu_bytes) return {.drop = Drop::kMtu};
  if (!varies_) return {};
  const auto serialised = serialise(now, wire_bytes);
  if (!serialised) return {.drop = Drop::kQueue};
  // Loss is on the wire, behind the queue: a lost packet has taken its time there.
  const bool burst_loss = burst_step();
  const std::size_t fragments = (wire_bytes + fragment_bytes - 1) / fragment_bytes;
  if (loses_one_of(fragments) || burst_loss) return {.drop = Drop::kLoss};

  TimePoint out = now + *serialised;
  if (model_.jitter > 0ns) out += scaled(model_.jitter, dice_.fraction());
  // Packets are looked at when they are sent, perhaps well ahead of their turn here: one that is
  // looked at later and comes earlier does not wait for those.
  if (now >= last_in_) out = std::max(out, last_out_);
  if (dice_.chance(model_.reorder)) {
    out += model_.reorder_by;  // those behind it do not wait for it
  } else if (now >= last_in_) {
    last_in_ = now;
    last_out_ = out;
  }
  return {.delay = out - now, .duplicated = dice_.chance(model_.duplicate)};
}

bool Link::loses_one_of(std::size_t fragments) {
  bool lost = false;
  for (std::size_t i = 0; i < fragments; ++i) lost = dice_.chance(model_.loss) || lost;
  return lost;
}

bool Link::burst_step() {
  if (!model_.bursts) return false;
  if (dice_.chance(bad_ ? model_.bursts->leave : model_.bursts->enter)) bad_ = !bad_;
  return bad_ && dice_.chance(model_.bursts->loss);
}

/// The queue is counted in bytes that drain as time passes, not as a moment at which it is empty:
/// that moment would be far ahead for a packet that comes before one that was looked at already.
std::optional<Duration> Link::serialise(TimePoint now, std::size_t wire_bytes) {
  if (model_.bits_per_second == 0) return Duration{0};
  const double bytes_per_second = static_cast<double>(model_.bits_per_second) / 8;
  const auto passed = std::chrono::duration<double>(std::max(now - drained_at_, Duration{0}));
  queued_bytes_ = std::max(queued_bytes_ - passed.count() * bytes_per_second, 0.0);
  drained_at_ = std::max(drained_at_, now);
  // An idle link takes any packet; one that is busy, what its queue has room for.
  const double with_this_one = queued_bytes_ + static_cast<double>(wire_bytes);
  if (queued_bytes_ > 0 && with_this_one > static_cast<double>(model_.queue_bytes)) {
    return std::nullopt;
  }
  queued_bytes_ = with_this_one;
  return scaled(1s, queued_bytes_ / bytes_per_second);
}

}  // namespace kadwire::testnet
