#pragma once

/// One direction of a cable: what goes in comes out later, in the same order, or is lost.
/// Sans-IO: reads no clock. Not here: interfaces, bandwidth (a cable is as fast as its process).

#include <cstddef>
#include <deque>
#include <optional>
#include <random>

#include "node/base/bytes.h"
#include "node/base/time.h"

namespace kadwire::lab {

/// What a cable does to each frame, in each direction.
struct CableQuality {
  Duration delay{0};   ///< every frame
  Duration jitter{0};  ///< up to this much more, uniformly; never reorders
  double loss = 0.0;   ///< probability of 0 to 1, each frame for itself
  bool operator==(const CableQuality&) const = default;
};

/// As a router's queue: about 3 s of a busy tunnel; more than that is dropped, not kept.
inline constexpr std::size_t kDelayLineFramesMax = 8192;

class DelayLine {
 public:
  /// Equal seeds lose and delay equally.
  DelayLine(CableQuality quality, std::uint64_t seed);

  /// Takes a frame that arrived at `now`; it may be lost.
  void push(TimePoint now, Bytes frame);
  /// The next frame that is due at `now`; call until nullopt.
  [[nodiscard]] std::optional<Bytes> pop(TimePoint now);
  /// When the next frame is due; nullopt: none is under way.
  [[nodiscard]] std::optional<TimePoint> next_due() const;
  /// Frames lost by chance or because the line was full.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  struct InFlight {
    TimePoint due;
    Bytes frame;
  };
  CableQuality quality_;
  std::mt19937_64 random_;
  std::deque<InFlight> frames_;  ///< in order of `due`
  std::uint64_t lost_ = 0;
};

}  // namespace kadwire::lab
