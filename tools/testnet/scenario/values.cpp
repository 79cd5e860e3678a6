#include "tools/testnet/scenario/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "node/control/text.h"

namespace kadwire::testnet {
namespace {

template <typename T>
struct Unit {
  std::string_view name;
  T size;
};

/// Larger ones first, which is the order in which they are written.
constexpr auto kTimeUnits = std::to_array<Unit<Duration>>({
    {"d", 24h},
    {"h", 1h},
    {"min", 1min},
    {"s", 1s},
    {"ms", 1ms},
    {"us", 1us},
    {"ns", 1ns},
});
constexpr auto kRateUnits = std::to_array<Unit<std::uint64_t>>({
    {"Gbit", 1'000'000'000},
    {"Mbit", 1'000'000},
    {"kbit", 1'000},
    {"bit", 1},
});
constexpr auto kSizeUnits = std::to_array<Unit<std::uint64_t>>({
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"B", 1},
    {"MB", 1'000'000},
    {"kB", 1'000},
    {"", 1},
});

/// More would be lost in a double's last bits, and nobody needs them.
constexpr std::size_t kDecimalsMax = 3;
constexpr std::size_t kNameBytesMax = 32;

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

/// The text in quotes, short and printable, and what would have been right.
tl::unexpected<std::string> refuse(std::string_view text, std::string_view why) {
  constexpr std::size_t kShownMax = 40;
  const bool cut = text.size() > kShownMax;
  return tl::unexpected(
      fmt::format("'{}{}' {}", control::printable(text.substr(0, kShownMax)), cut ? "…" : "", why));
}

/// A whole number and thousandths, as in "2.5".
struct Decimal {
  std::uint64_t whole = 0;
  std::uint64_t thousandths = 0;
};

/// Takes a run of digits off the front; nullopt if there is none or it does not fit.
std::optional<std::uint64_t> take_digits(std::string_view& text, std::size_t digits_max) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length == 0 || length > digits_max) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + length, number);
  text.remove_prefix(length);
  return number;
}

std::optional<Decimal> take_decimal(std::string_view& text) {
  constexpr std::size_t kDigitsMax = 15;
  const auto whole = take_digits(text, kDigitsMax);
  if (!whole) return std::nullopt;
  if (!text.starts_with('.')) return Decimal{*whole, 0};
  text.remove_prefix(1);
  const std::size_t before = text.size();
  auto decimals = take_digits(text, kDecimalsMax);
  if (!decimals) return std::nullopt;
  for (std::size_t i = before - text.size(); i < kDecimalsMax; ++i) *decimals *= 10;
  return Decimal{*whole, *decimals};
}

/// Takes the letters at the front and finds them from `first` on.
std::optional<std::size_t> take_time_unit(std::string_view& text, std::size_t first) {
  const auto end = std::ranges::find_if(text, is_digit);
  const auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  for (std::size_t i = first; i < kTimeUnits.size(); ++i) {
    if (kTimeUnits[i].name != word) continue;
    text.remove_prefix(word.size());
    return i;
  }
  return std::nullopt;
}

/// nullopt: no duration at all; more than kDurationMax: kDurationMax and a bit.
std::optional<Duration> read_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty() || text.size() > kValueBytesMax) return std::nullopt;
  Duration sum{0};
  for (std::size_t unit = 0; !text.empty(); ++unit) {
    const auto number = take_decimal(text);
    if (!number) return std::nullopt;
    const auto found = take_time_unit(text, unit);
    if (!found) return std::nullopt;
    unit = *found;
    const Duration size = kTimeUnits[unit].size;
    if (number->thousandths != 0 && size < 1us) return std::nullopt;
    if (number->whole > static_cast<std::uint64_t>(kDurationMax / size)) return kDurationMax + 1ns;
    sum += static_cast<std::int64_t>(number->whole) * size +
           static_cast<std::int64_t>(number->thousandths) * size / 1000;
    sum = std::min(sum, kDurationMax + 1ns);
  }
  return sum;
}

constexpr std::string_view kWantedDuration = "is no duration; write it as 250ms, 5s or 1h30min";

/// A number with one unit right after it, as whole units of the smallest.
template <std::size_t N>
std::optional<std::uint64_t> read_amount(std::string_view text,
                                         const std::array<Unit<std::uint64_t>, N>& units,
                                         std::uint64_t most) {
  const auto number = take_decimal(text);
  if (!number) return std::nullopt;
  const auto unit = std::ranges::find(units, text, &Unit<std::uint64_t>::name);
  if (unit == units.end()) return std::nullopt;
  if (number->thousandths * unit->size % 1000 != 0) return std::nullopt;
  if (number->whole > most / unit->size) return std::nullopt;
  const std::uint64_t amount = number->whole * unit->size + number->thousandths * unit->size / 1000;
  return amount <= most ? std::optional(amount) : std::nullopt;
}

/// A plain number such as "0.05"; nullopt for anything else, infinities included.
std::optional<double> read_number(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<double> read_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto number = read_number(text);
  if (!number) return std::nullopt;
  const double share = percent ? *number / 100 : *number;
  return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

/// "lognormal(20ms, 0.5)" between its parentheses.
std::optional<LatencyModel> read_lognormal(std::string_view arguments) {
  const std::size_t comma = arguments.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::string_view sigma_text = arguments.substr(comma + 1);
  if (sigma_text.starts_with(' ')) sigma_text.remove_prefix(1);
  const auto median = read_duration(arguments.substr(0, comma));
  const auto sigma = read_number(sigma_text);
  if (!median || !sigma || *median > kLatencyMax || *sigma < 0 || *sigma > kSigmaMax) {
    return std::nullopt;
  }
  return LatencyModel{LatencyModel::Shape::kLogNormal, *median, Duration{0}, *sigma};
}

/// "homes", "west*" or "homes[3]"; "members" becomes the empty group.
std::optional<Selector> read_whole_group(std::string_view text) {
  Selector selector;
  if (text.ends_with(']')) {
    const std::size_t bracket = text.find('[');
    if (bracket == std::string_view::npos) return std::nullopt;
    std::string_view inside = text.substr(bracket + 1, text.size() - bracket - 2);
    constexpr std::size_t kDigitsMax = 6;
    const auto index = take_digits(inside, kDigitsMax);
    if (!index || !inside.empty()) return std::nullopt;
    selector.index = *index;
    text = text.substr(0, bracket);
  }
  const bool several = text.ends_with('*') && !selector.index;
  if (!is_name(several ? text.substr(0, text.size() - 1) : text)) return std::nullopt;
  if (text != kAllMembers) selector.group = text;
  return selector;
}

std::optional<Selector> read_selector(std::string_view text) {
  constexpr std::string_view kOf = " of ";
  const std::size_t of = text.find(kOf);
  if (of == std::string_view::npos) return read_whole_group(text);
  auto selector = read_whole_group(text.substr(of + kOf.size()));
  if (!selector || selector->index) return std::nullopt;
  std::string_view amount = text.substr(0, of);
  if (amount.ends_with('%')) {
    const auto share = read_share(amount);
    if (!share || *share == 0) return std::nullopt;
    selector->share = *share;
    return selector;
  }
  constexpr std::size_t kDigitsMax = 6;
  const auto count = take_digits(amount, kDigitsMax);
  if (!count || *count == 0 || !amount.empty()) return std::nullopt;
  selector->count = *count;
  return selector;
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  const auto duration = read_duration(text);
  if (!duration) return refuse(text, kWantedDuration);
  if (*duration > kDurationMax) return refuse(text, "is more than a year");
  return *duration;
}

Parsed<Duration> parse_signed_duration(std::string_view text) {
  if (!text.starts_with('-')) return parse_duration(text);
  const auto duration = read_duration(text.substr(1));
  if (!duration) return refuse(text, kWantedDuration);
  if (*duration > kDurationMax) return refuse(text, "is more than a year");
  return -*duration;
}

std::string format_duration(Duration duration) {
  if (duration < Duration{0}) return "-" + format_duration(-duration);
  std::string text;
  for (const auto& [name, size] : kTimeUnits) {
    const auto whole = duration / size;
    if (whole == 0) continue;
    duration -= whole * size;
    // "2.5s" reads better than "2s500ms"; minutes and hours have no decimals to people.
    const bool decimals = size == 1s && duration > 0ms && duration % 1ms == 0ms;
    if (decimals) {
      text += fmt::format("{:g}s", static_cast<double>(whole * 1000 + duration / 1ms) / 1000);
      return text;
    }
    text += fmt::format("{}{}", whole, name);
  }
  return text.empty() ? "0s" : text;
}

Parsed<DurationRange> parse_duration_range(std::string_view text) {
  constexpr std::string_view kTo = "..";
  const std::size_t to = text.find(kTo);
  const auto low = parse_signed_duration(text.substr(0, to));
  const auto high =
      to == std::string_view::npos ? low : parse_signed_duration(text.substr(to + kTo.size()));
  if (!low || !high) return refuse(text, "is no duration or range; write it as 5s or 5s..10s");
  if (*low > *high) return refuse(text, "is a range whose first end is the larger one");
  return DurationRange{*low, *high};
}

std::string format_duration_range(const DurationRange& range) {
  if (range.low == range.high) return format_duration(range.low);
  return fmt::format("{}..{}", format_duration(range.low), format_duration(range.high));
}

Parsed<LatencyModel> parse_latency(std::string_view text) {
  constexpr std::string_view kWanted =
      "is no latency; write it as 20ms, 10ms..40ms or lognormal(20ms, 0.5), 10s and a sigma of 2 "
      "at most";
  constexpr std::string_view kLogNormal = "lognormal(";
  if (text.size() > kValueBytesMax) return refuse(text, kWanted);
  if (text.starts_with(kLogNormal) && text.ends_with(')')) {
    text.remove_prefix(kLogNormal.size());
    text.remove_suffix(1);
    const auto latency = read_lognormal(text);
    return latency ? Parsed<LatencyModel>(*latency) : refuse(text, kWanted);
  }
  const auto range = parse_duration_range(text);
  if (!range || range->low < Duration{0} || range->high > kLatencyMax) return refuse(text, kWanted);
  if (range->low == range->high) return LatencyModel{LatencyModel::Shape::kFixed, range->low};
  return LatencyModel{LatencyModel::Shape::kUniform, range->low, range->high};
}

std::string format_latency(const LatencyModel& latency) {
  switch (latency.shape) {
    case LatencyModel::Shape::kFixed:
      return format_duration(latency.low);
    case LatencyModel::Shape::kUniform:
      return format_duration_range({latency.low, latency.high});
    case LatencyModel::Shape::kLogNormal:
      return fmt::format("lognormal({}, {})", format_duration(latency.low), latency.sigma);
  }
  return "";
}

Parsed<std::uint64_t> parse_bit_rate(std::string_view text) {
  if (text == "unlimited") return 0;
  const auto rate = read_amount(text, kRateUnits, kBitRateMax);
  // Zero would be a link that carries nothing, while 0 stands for no limit.
  if (!rate || *rate == 0) {
    return refuse(text, "is no bit rate; write it as 20Mbit, 512kbit or unlimited");
  }
  return *rate;
}

std::string format_bit_rate(std::uint64_t bits_per_second) {
  if (bits_per_second == 0) return "unlimited";
  for (const auto& [name, size] : kRateUnits) {
    if (bits_per_second % size == 0) return fmt::format("{}{}", bits_per_second / size, name);
  }
  return "";
}

Parsed<std::size_t> parse_size(std::string_view text) {
  const auto bytes = read_amount(text, kSizeUnits, kSizeMax);
  if (!bytes) return refuse(text, "is no size; write it as 1500, 64KiB or 2MB, 1024MiB at most");
  return *bytes;
}

std::string format_size(std::size_t bytes) {
  for (const auto& [name, size] : kSizeUnits) {
    if (bytes >= size && bytes % size == 0) return fmt::format("{}{}", bytes / size, name);
  }
  return "0B";
}

Parsed<double> parse_share(std::string_view text) {
  const auto share = read_share(text);
  if (!share) return refuse(text, "is no share; write it as 5% or 0.05, from 0 to 1");
  return *share;
}

std::string format_share(double share) {
  return fmt::format("{:.6g}%", share * 100);
}

Parsed<Selector> parse_selector(std::string_view text) {
  const auto selector = read_selector(text);
  if (!selector) {
    return refuse(
        text,
        "selects nothing; write it as homes, homes[3], 25% of homes, 3 of homes, west* or "
        "members");
  }
  return *selector;
}

std::string format_selector(const Selector& selector) {
  const std::string_view group = selector.group.empty() ? kAllMembers : selector.group;
  if (selector.index) return fmt::format("{}[{}]", group, *selector.index);
  if (selector.count) return fmt::format("{} of {}", *selector.count, group);
  if (selector.share < 1) return fmt::format("{} of {}", format_share(selector.share), group);
  return std::string(group);
}

bool is_name(std::string_view text) {
  const auto allowed = [](char character) {
    return is_digit(character) || (character >= 'a' && character <= 'z') || character == '-' ||
           character == '_';
  };
  return !text.empty() && text.size() <= kNameBytesMax && text[0] >= 'a' && text[0] <= 'z' &&
         std::ranges::all_of(text, allowed);
}

}  // namespace kadwire::testnet
