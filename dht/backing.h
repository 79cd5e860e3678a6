#pragma once

/// When to ask a topic which value ids it holds, and which of them to fetch: what backs the
/// listening, since a DHT loses notifications. Pure: no requests, no clock.
/// Strangers may list any ids and store anything under any id. So only a value that opened makes
/// its id known, an id fetched in vain is left alone for minutes and not for ever, and of more
/// unknown ids than may be fetched a random few are, so that the true ones get their turn.

#include <cstdint>
#include <span>
#include <vector>

#include "dht/id_memory.h"
#include "node/base/random.h"

namespace kadwire::dht {

/// Between two questions: drawn from half of the pause to the whole, which doubles from the first
/// to the last while the answers hold nothing that the listening had not brought.
inline constexpr Duration kBackingPauseFirst = 60s;
inline constexpr Duration kBackingPauseLast = 5min;
/// Values fetched by id after one question. Each costs two requests to each of eight nodes; in a
/// mesh whose listening works there are none, and 10,000 foreign values cost no more than this.
inline constexpr std::size_t kFetchesPerQuestionMax = 16;
/// A value expires after 10 minutes and no id is used twice: an opened one is known that long.
inline constexpr Duration kOpenedIdMemory = 10min;
/// An id that was fetched is not fetched again for so long, whatever came of it.
inline constexpr Duration kFetchedIdMemory = 3min;

class Backing {
 public:
  /// The first question is due at once.
  explicit Backing(TimePoint now) : due_(now) {}

  [[nodiscard]] TimePoint due() const { return due_; }
  /// After a loss of connectivity nothing is known about the listening: as at the beginning.
  void start_over(TimePoint now);
  /// A question is asked now.
  void begin(TimePoint now, RandomSource& random);
  /// Ids from its answer.
  void hear_ids(TimePoint now, std::span<const std::uint64_t> ids, RandomSource& random);
  /// Its answer has ended, `ok` unless some nodes were asked in vain. The ids to fetch, at most
  /// kFetchesPerQuestionMax; taken for fetched from now on.
  [[nodiscard]] std::vector<std::uint64_t> finish(TimePoint now, bool ok, RandomSource& random);
  /// A value with this id opened, wherever it came from.
  void remember_opened(TimePoint now, std::uint64_t id) { opened_.remember(now, id); }
  /// A fetch brought what the listening had not: do not rely on it.
  void ask_soon(TimePoint now, RandomSource& random);

 private:
  TimePoint due_;
  Duration pause_ = kBackingPauseFirst;
  std::vector<std::uint64_t> chosen_;  ///< of the unknown ids of this answer
  std::size_t unknown_ids_ = 0;
  IdMemory opened_{kOpenedIdMemory};
  IdMemory fetched_{kFetchedIdMemory};
};

}  // namespace kadwire::dht
