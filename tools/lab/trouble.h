#pragma once

/// What happens to a standing tunnel, and for how long its pings then go unanswered: each trouble
/// as a value, with the time that is asked of kadwire, and playing it on two members of the lab.
/// Not here: how the tunnel comes to be (nat_pair.h), playing many (recovery.cpp).

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "node/base/time.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/nat_pair.h"

namespace kadwire::lab {

/// How long a machine is asleep: no answer for so long that the other side has noticed.
inline constexpr auto kSleepTime = 60s;

/// Who pings: with one alone, the other cannot know that it misses anything.
enum class Traffic { kFromSecond, kBothWays };

struct Trouble {
  std::string_view name;
  std::string_view summary;
  std::string_view first, second;  ///< names of surroundings
  unsigned helpers = 0;
  Traffic traffic = Traffic::kFromSecond;
  Duration limit;  ///< the longest silence that is asked for
  /// Before the pings that count: what has to be in place, or nothing.
  Expected<void> (*prepare)(const NatPair& pair) = nullptr;
  /// Pings come back between the two for so long.
  Duration calm = 2s;
  Expected<void> (*happen)(const NatPair& pair) = nullptr;
};

/// All that the lab knows, in the order of the table.
[[nodiscard]] std::span<const Trouble> all_troubles();
/// nullptr: there is none of that name.
[[nodiscard]] const Trouble* find_trouble(std::string_view name);

struct Recovery {
  /// The longest time without an answer to the second's pings each 50 ms, until answers have come
  /// for some time again.
  Duration silence{0};
  std::string path;  ///< the second's at the end, in the daemon's words
};

/// The two members that it happens to: `network` with the trouble's surroundings and helpers.
[[nodiscard]] PairOptions pair_for(const Trouble& trouble, PairOptions network);
/// Starts the second and lets it happen. An error: there was no tunnel that it could happen to.
[[nodiscard]] Expected<Recovery> measure_recovery(NatPair& pair, const Trouble& trouble);
/// Builds the two, measures, and saves the logs if that was asked for.
[[nodiscard]] Expected<Recovery> run_trouble(const Trouble& trouble, const PairOptions& network);

/// {"silent_ms", "path"}
[[nodiscard]] nlohmann::json to_json(const Recovery& recovery);
/// Of what to_json made.
[[nodiscard]] Recovery recovery_of(const nlohmann::json& json);

}  // namespace kadwire::lab
