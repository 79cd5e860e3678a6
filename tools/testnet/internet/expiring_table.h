#pragma once

/// A table whose entries expire when they have not been refreshed for a while, the same while for
/// all: what NATs, firewalls and hosts remember of packets. Entries hang in a list in the order of
/// their refreshes, so the next to expire is always the first: nothing is ever searched for, and no
/// order depends on hashes. Copyable.

#include <cassert>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "node/base/time.h"

namespace kadwire::testnet {

template <typename Key, typename Value, typename Hash = std::hash<Key>>
class ExpiringTable {
 public:
  struct Entry {
    Key key;
    Value value;
    TimePoint expires;  ///< gone at this moment

   private:
    friend class ExpiringTable;
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
  };

  explicit ExpiringTable(Duration lifetime) : lifetime_(lifetime) {}

  /// The entry if it lives; nullptr if not. Valid until the next change.
  [[nodiscard]] Entry* find(TimePoint now, const Key& key) {
    return const_cast<Entry*>(std::as_const(*this).find(now, key));
  }
  [[nodiscard]] const Entry* find(TimePoint now, const Key& key) const {
    const auto found = index_.find(key);
    if (found == index_.end() || entries_[found->second].expires <= now) return nullptr;
    return &entries_[found->second];
  }
  /// `key` must not be there: expire first, then find.
  Entry& add(TimePoint now, const Key& key, Value value) {
    const std::uint32_t slot = free_slot();
    [[maybe_unused]] const bool is_new = index_.emplace(key, slot).second;
    assert(is_new && "an expired entry must be removed before its successor comes");
    Entry& entry = entries_[slot];
    entry.key = key;
    entry.value = std::move(value);
    entry.expires = now + lifetime_;
    append(slot);
    return entry;
  }
  /// Time does not run backwards between calls.
  void refresh(TimePoint now, Entry& entry) {
    entry.expires = now + lifetime_;
    const auto slot = static_cast<std::uint32_t>(&entry - entries_.data());
    if (slot == newest_) return;
    unlink(slot);
    append(slot);
  }
  void remove(const Entry& entry) {
    const auto slot = static_cast<std::uint32_t>(&entry - entries_.data());
    index_.erase(entry.key);
    unlink(slot);
    free_.push_back(slot);
  }
  /// Removes what has expired; `removing` sees each before it goes.
  template <typename Removing>
  void expire(TimePoint now, Removing removing) {
    while (oldest_ != kNone && entries_[oldest_].expires <= now) {
      removing(std::as_const(entries_[oldest_]));
      remove(entries_[oldest_]);
    }
  }
  void expire(TimePoint now) {
    expire(now, [](const Entry&) {});
  }
  /// The entry that was refreshed longest ago; there must be one.
  void remove_oldest() {
    assert(oldest_ != kNone);
    remove(entries_[oldest_]);
  }
  void clear() { *this = ExpiringTable(lifetime_); }

  /// Expired ones that nobody removed yet included.
  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t live(TimePoint now) const {
    std::size_t expired = 0;
    for (std::uint32_t slot = oldest_; slot != kNone && entries_[slot].expires <= now;
         slot = entries_[slot].newer) {
      ++expired;
    }
    return size() - expired;
  }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t free_slot() {
    if (free_.empty()) {
      entries_.emplace_back();
      return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void append(std::uint32_t slot) {
    entries_[slot].older = newest_;
    entries_[slot].newer = kNone;
    (newest_ == kNone ? oldest_ : entries_[newest_].newer) = slot;
    newest_ = slot;
  }
  void unlink(std::uint32_t slot) {
    const Entry& entry = entries_[slot];
    (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
    (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  }

  Duration lifetime_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<Key, std::uint32_t, Hash> index_;  ///< never iterated
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
};

}  // namespace kadwire::testnet
