#pragma once

/// The values that people write in scenarios: "1h30min", "5s..10s", "lognormal(20ms, 0.5)",
/// "20Mbit", "64KiB", "5%", "25% of homes". Pure.
/// Strict: no spaces but where shown, every unit named, every value bounded. What cannot be read
/// gives a sentence that repeats the text and says what was expected.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "node/base/time.h"
#include "tools/testnet/internet/link_model.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// A value, or what is wrong with the text: "'5x' is no duration; write it as 250ms, 5s or
/// 1h30min".
template <typename T>
using Parsed = tl::expected<T, std::string>;

/// No value is longer; a longer text is not even looked at.
inline constexpr std::size_t kValueBytesMax = 200;
/// A year is more than anybody simulates, and far from Duration's limit.
inline constexpr Duration kDurationMax{24h * 366};
/// A light second is four times around the earth; a link that is slower is a typing error.
inline constexpr Duration kLatencyMax{10s};
/// Beyond this a log-normal latency is thousands of times its median now and then.
inline constexpr double kSigmaMax = 2;
inline constexpr std::uint64_t kBitRateMax = 1'000'000'000'000;
inline constexpr std::size_t kSizeMax = std::size_t{1} << 30;

/// Numbers with units d, h, min, s, ms, us or ns, larger ones first, each once: "1h30min", "2.5s"
/// (three decimals at most). "0" needs no unit. Never negative.
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);
/// The same, with a sign if it is negative: "-3min".
[[nodiscard]] Parsed<Duration> parse_signed_duration(std::string_view text);
/// As the parsers above read it, and exactly: "1h30min", "2.5s", "0s".
[[nodiscard]] std::string format_duration(Duration duration);

/// "5s..10s"; a single duration is both ends. The ends may be negative.
[[nodiscard]] Parsed<DurationRange> parse_duration_range(std::string_view text);
[[nodiscard]] std::string format_duration_range(const DurationRange& range);

/// "20ms", "10ms..40ms" (uniform), or "lognormal(MEDIAN, SIGMA)".
[[nodiscard]] Parsed<LatencyModel> parse_latency(std::string_view text);
[[nodiscard]] std::string format_latency(const LatencyModel& latency);

/// Bits per second, decimal: "20Mbit", "512kbit", "1Gbit", "9600bit". "unlimited" is 0.
[[nodiscard]] Parsed<std::uint64_t> parse_bit_rate(std::string_view text);
[[nodiscard]] std::string format_bit_rate(std::uint64_t bits_per_second);

/// Bytes: "1500", "1500B", "64kB" (of 1000), "64KiB" (of 1024), "2MB", "2MiB".
[[nodiscard]] Parsed<std::size_t> parse_size(std::string_view text);
/// In the largest binary unit that it is a whole multiple of: "64KiB", "1500B".
[[nodiscard]] std::string format_size(std::size_t bytes);

/// "5%" or "0.05", of a whole: 0 to 1.
[[nodiscard]] Parsed<double> parse_share(std::string_view text);
[[nodiscard]] std::string format_share(double share);

/// "homes", "homes[3]", "25% of homes", "3 of homes", "west*"; "members" is every member.
[[nodiscard]] Parsed<Selector> parse_selector(std::string_view text);
[[nodiscard]] std::string format_selector(const Selector& selector);

/// What a link, gateway or group may be called: a to z, 0 to 9, - and _, starting with a letter,
/// 32 characters at most. So a name never looks like a selector or a path.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace kadwire::testnet
