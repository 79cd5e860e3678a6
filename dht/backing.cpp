#include "dht/backing.h"

#include <algorithm>
#include <utility>

namespace kadwire::dht {

void Backing::start_over(TimePoint now) {
  due_ = now;
  pause_ = kBackingPauseFirst;
}

void Backing::begin(TimePoint now, RandomSource& random) {
  due_ = now + random_between(random, pause_ / 2, pause_);
  pause_ = std::min(2 * pause_, kBackingPauseLast);
  chosen_.clear();
  unknown_ids_ = 0;
}

/// Keeps a uniform choice of what came so far, however much that is.
void Backing::hear_ids(TimePoint now, std::span<const std::uint64_t> ids, RandomSource& random) {
  for (const std::uint64_t id : ids) {
    if (opened_.contains(now, id) || fetched_.contains(now, id)) continue;
    if (std::ranges::find(chosen_, id) != chosen_.end()) continue;
    ++unknown_ids_;
    if (chosen_.size() < kFetchesPerQuestionMax) {
      chosen_.push_back(id);
    } else if (const auto slot = random_below(random, unknown_ids_); slot < chosen_.size()) {
      chosen_[slot] = id;
    }
  }
}

std::vector<std::uint64_t> Backing::finish(TimePoint now, bool ok, RandomSource& random) {
  if (!ok || unknown_ids_ > chosen_.size()) ask_soon(now, random);
  // The listening may have brought some while the question was under way.
  std::erase_if(chosen_, [&](std::uint64_t id) { return opened_.contains(now, id); });
  for (const std::uint64_t id : chosen_) fetched_.remember(now, id);
  return std::exchange(chosen_, {});
}

void Backing::ask_soon(TimePoint now, RandomSource& random) {
  pause_ = kBackingPauseFirst;
  due_ = std::min(due_, now + random_between(random, pause_ / 2, pause_));
}

}  // namespace kadwire::dht
