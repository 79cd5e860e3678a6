#pragma once

/// Values as people read them, and a table that lines them up. Pure: no clock, no terminal.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/time.h"

namespace kadwire::control {

/// Binary units, one decimal: "0 B", "1023 B", "1.5 KiB". Rounds down, so that nothing looks fuller
/// than it is.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// The two largest units that matter: "0s", "59s", "2m 5s", "3h 0m", "4d 7h". Negative counts as 0.
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

/// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z".
[[nodiscard]] std::string format_rfc3339(WallTime wall);
/// Exactly what format_rfc3339 writes; nullopt for anything else, impossible dates included.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

/// The text with every byte that is not printable ASCII as '?': what a stranger chose (a hostname)
/// must not move the cursor of whoever looks at it.
[[nodiscard]] std::string printable(std::string_view text);

enum class Colour : std::uint8_t { kPlain, kBold, kDim, kGreen, kYellow, kRed };
/// `text` in this colour, or unchanged if `enabled` is false.
[[nodiscard]] std::string paint(std::string_view text, Colour colour, bool enabled);

struct Cell {
  std::string text;  ///< printable ASCII
  Colour colour = Colour::kPlain;
};
/// A heading and rows, columns two spaces apart and as wide as their widest cell; ends in a
/// newline. Every row has as many cells as the heading.
[[nodiscard]] std::string format_table(const std::vector<std::string>& heading,
                                       const std::vector<std::vector<Cell>>& rows, bool colour);

}  // namespace kadwire::control
