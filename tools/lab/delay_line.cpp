#include "tools/lab/delay_line.h"

#include <algorithm>
#include <utility>

namespace kadwire::lab {

DelayLine::DelayLine(CableQuality quality, std::uint64_t seed) : quality_(quality), random_(seed) {}

void DelayLine::push(TimePoint now, Bytes frame) {
  const bool unlucky = std::bernoulli_distribution(quality_.loss)(random_);
  if (unlucky || frames_.size() >= kDelayLineFramesMax) {
    ++lost_;
    return;
  }
  std::uniform_int_distribution<Duration::rep> jitter(0, quality_.jitter.count());
  TimePoint due = now + quality_.delay + Duration(jitter(random_));
  if (!frames_.empty()) due = std::max(due, frames_.back().due);
  frames_.push_back({due, std::move(frame)});
}

std::optional<Bytes> DelayLine::pop(TimePoint now) {
  if (frames_.empty() || frames_.front().due > now) return std::nullopt;
  Bytes frame = std::move(frames_.front().frame);
  frames_.pop_front();
  return frame;
}

std::optional<TimePoint> DelayLine::next_due() const {
  if (frames_.empty()) return std::nullopt;
  return frames_.front().due;
}

}  // namespace kadwire::lab
