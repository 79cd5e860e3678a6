#include "dht/id_memory.h"

#include <utility>

namespace kadwire::dht {

void IdMemory::remember(TimePoint now, std::uint64_t id) {
  forget_old(now);
  if (younger_.size() >= kIdsPerGenerationMax && !younger_.contains(id)) begin_generation(now);
  younger_.insert(id);
}

bool IdMemory::contains(TimePoint now, std::uint64_t id) {
  forget_old(now);
  return younger_.contains(id) || older_.contains(id);
}

void IdMemory::forget_old(TimePoint now) {
  if (now - begun_ < shortest_) return;
  const bool long_ago = now - begun_ >= 2 * shortest_;
  begin_generation(now);
  if (long_ago) older_.clear();
}

void IdMemory::begin_generation(TimePoint now) {
  older_ = std::exchange(younger_, {});
  begun_ = now;
}

}  // namespace kadwire::dht
