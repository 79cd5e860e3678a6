#pragma once

/// How long pairs that had a tunnel were without it, although a path permits one. Pure.

#include <map>
#include <optional>
#include <utility>

#include "node/base/time.h"
#include "tools/testnet/population.h"

namespace kadwire::testnet {

class ApartWatch {
 public:
  struct Separation {
    Index a = 0;
    Index b = 0;
    Duration began{0};
    Duration lasted{0};
  };
  /// The pair lost its tunnel, at a time since the start.
  void begin(Index a, Index b, Duration at);
  /// It has one again, or none is possible any more.
  void end(Index a, Index b, Duration at);
  /// The first of the longest until `now`, those that still last among them; nullopt: there was
  /// none.
  [[nodiscard]] std::optional<Separation> longest(Duration now) const;

 private:
  std::map<std::pair<Index, Index>, Duration> since_;
  std::optional<Separation> longest_;  ///< of those that ended
};

}  // namespace kadwire::testnet
