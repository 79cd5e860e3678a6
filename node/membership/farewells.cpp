#include "node/membership/farewells.h"

#include <algorithm>
#include <utility>

namespace kadwire::node {

void Farewells::add(TimePoint now, rendezvous::SignedRecord record, Duration rtt) {
  const crypto::NodeId node = record.record.node;
  const auto found = farewells_.find(node);
  if (found == farewells_.end()) {
    const Duration spacing = std::max(kFarewellSpacing, std::min(rtt, kFarewellRttMax) * 3 / 2);
    const TimePoint end = now + kFarewellSpacings * spacing;
    farewells_.emplace(node, Farewell{std::move(record), spacing, now + spacing, end});
  } else if (found->second.record.record.sequence < record.record.sequence) {
    found->second.record = std::move(record);
  }
}

void Farewells::drop_if(const std::function<bool(const crypto::NodeId&)>& is_there) {
  std::erase_if(farewells_, [&](const auto& entry) { return is_there(entry.first); });
}

std::optional<crypto::NodeId> Farewells::take_question(TimePoint now) {
  for (auto& [node, farewell] : farewells_) {
    if (now < farewell.ask || now >= farewell.end) continue;
    farewell.ask = now + farewell.spacing;
    return node;
  }
  return std::nullopt;
}

std::optional<rendezvous::SignedRecord> Farewells::take_settled(TimePoint now) {
  const auto settled =
      std::ranges::find_if(farewells_, [&](const auto& entry) { return now >= entry.second.end; });
  if (settled == farewells_.end()) return std::nullopt;
  rendezvous::SignedRecord record = std::move(settled->second.record);
  farewells_.erase(settled);
  return record;
}

std::optional<TimePoint> Farewells::next() const {
  std::optional<TimePoint> earliest;
  for (const auto& [node, farewell] : farewells_) {
    const TimePoint due = std::min(farewell.ask, farewell.end);
    earliest = std::min(earliest.value_or(due), due);
  }
  return earliest;
}

}  // namespace kadwire::node
