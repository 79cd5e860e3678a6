#pragma once

/// Which peer a session's number belongs to: the numbers a node gives out, in the clear at the
/// front of frames, tell it whose keys to try. Random, so that they say nothing and cannot be
/// guessed.

#include <cstdint>
#include <map>

#include "crypto/node_identity.h"
#include "node/base/random.h"

namespace kadwire::rendezvous {

class SessionIndices {
 public:
  /// `random` outlives this object.
  explicit SessionIndices(RandomSource& random) : random_(random) {}
  /// A number that is nobody's, now this peer's.
  [[nodiscard]] std::uint32_t add(const crypto::NodeId& peer) {
    for (;;) {
      const auto index = static_cast<std::uint32_t>(random_u64(random_));
      if (owners_.emplace(index, peer).second) return index;
    }
  }
  void remove(std::uint32_t index) { owners_.erase(index); }
  /// nullptr: nobody's.
  [[nodiscard]] const crypto::NodeId* find(std::uint32_t index) const {
    const auto found = owners_.find(index);
    return found == owners_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::size_t size() const { return owners_.size(); }

 private:
  RandomSource& random_;
  std::map<std::uint32_t, crypto::NodeId> owners_;
};

}  // namespace kadwire::rendezvous
