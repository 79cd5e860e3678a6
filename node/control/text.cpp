#include "node/control/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>

namespace kadwire::control {
namespace {

/// The shape of format_rfc3339: a 0 stands for any digit, all else for itself.
constexpr std::string_view kRfc3339Shape = "0000-00-00T00:00:00.000Z";

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool has_rfc3339_shape(std::string_view text) {
  return std::ranges::equal(text, kRfc3339Shape, [](char given, char wanted) {
    return wanted == '0' ? is_digit(given) : given == wanted;
  });
}

int decimal(std::string_view digits) {
  int value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return value;
}

std::string_view escape_code(Colour colour) {
  switch (colour) {
    case Colour::kPlain:
      return "";
    case Colour::kBold:
      return "\033[1m";
    case Colour::kDim:
      return "\033[2m";
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kRed:
      return "\033[31m";
  }
  return "";
}

/// Pads on the right, outside the colour; the last column of a line stays as it is.
std::string format_line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                        bool colour) {
  assert(cells.size() == widths.size());
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += paint(cells[i].text, cells[i].colour, colour);
    if (i + 1 < cells.size()) line.append(widths[i] - cells[i].text.size() + 2, ' ');
  }
  return line + "\n";
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >= 1024 * 1024) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{}.{} {}", bytes / 1024, bytes % 1024 * 10 / 1024, kUnits[unit]);
}

std::string format_duration(std::chrono::seconds duration) {
  const auto seconds = std::max<std::int64_t>(0, duration.count());
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
}

std::string format_rfc3339(WallTime wall) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(wall);
  const auto milliseconds = (wall - whole).count();
  // Not through system_clock::to_time_t: its nanoseconds overflow in the year 2262.
  const std::time_t seconds = whole.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), milliseconds);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (!has_rfc3339_shape(text)) return std::nullopt;
  const auto field = [&](std::size_t at, std::size_t size) {
    return decimal(text.substr(at, size));
  };
  const std::chrono::year_month_day day{std::chrono::year{field(0, 4)},
                                        std::chrono::month{static_cast<unsigned>(field(5, 2))},
                                        std::chrono::day{static_cast<unsigned>(field(8, 2))}};
  const int hour = field(11, 2);
  const int minute = field(14, 2);
  const int second = field(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return WallTime{std::chrono::sys_days{day} + std::chrono::hours{hour} +
                  std::chrono::minutes{minute} + std::chrono::seconds{second} +
                  std::chrono::milliseconds{field(20, 3)}};
}

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](char character) { return character < ' ' || character > '~'; }, '?');
  return result;
}

std::string paint(std::string_view text, Colour colour, bool enabled) {
  if (!enabled || colour == Colour::kPlain) return std::string(text);
  return fmt::format("{}{}\033[0m", escape_code(colour), text);
}

std::string format_table(const std::vector<std::string>& heading,
                         const std::vector<std::vector<Cell>>& rows, bool colour) {
  std::vector<std::size_t> widths;
  std::vector<Cell> heading_cells;
  for (const std::string& title : heading) {
    widths.push_back(title.size());
    heading_cells.push_back({title, Colour::kBold});
  }
  for (const auto& row : rows) {
    assert(row.size() == heading.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].text.size());
    }
  }
  std::string table = format_line(heading_cells, widths, colour);
  for (const auto& row : rows) table += format_line(row, widths, colour);
  return table;
}

}  // namespace kadwire::control
