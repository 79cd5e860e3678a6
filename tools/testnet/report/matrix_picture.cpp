#include "tools/testnet/report/matrix_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "tools/statistics.h"

namespace kadwire::testnet {
namespace {

// Sizes in CSS pixels. A cell has room for "100 %" above "12.3 s".
constexpr int kCellWidth = 46;
constexpr int kCellHeight = 32;
constexpr int kMargin = 12;
constexpr int kTitleHeight = 52;
/// Of a letter of 11 px, on average: names must not run out of the picture.
constexpr int kLetterWidth = 7;

struct Colour {
  int red, green, blue;
};
/// The report's colours for relayed and direct paths, light enough to read black on.
constexpr Colour kRelayed{244, 190, 92};
constexpr Colour kDirect{120, 190, 236};

std::string mixed(double share) {
  const auto between = [share](int from, int to) {
    return static_cast<int>(std::lround(from + (to - from) * share));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", between(kRelayed.red, kDirect.red),
                     between(kRelayed.green, kDirect.green), between(kRelayed.blue, kDirect.blue));
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      default:
        safe += letter;
    }
  }
  return safe;
}

std::string text_at(int x, int y, std::string_view attributes, std::string_view text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", x, y, attributes, escaped(text));
}

std::string cell_at(int x, int y, const MatrixCell& cell) {
  const bool blank = cell.runs == 0 || !cell.possible;
  const double share =
      blank ? 0 : static_cast<double>(cell.direct) / static_cast<double>(cell.runs);
  const bool failed = !blank && cell.direct + cell.relayed < cell.runs;
  std::string drawn =
      fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"{}/>\n", x + 1,
                  y + 1, kCellWidth - 2, kCellHeight - 2, blank ? "#eceef1" : mixed(share),
                  failed ? " stroke=\"#c00020\" stroke-width=\"2\"" : "");
  const int middle = x + kCellWidth / 2;
  if (blank) return drawn + text_at(middle, y + 20, "class=\"n\"", cell.runs == 0 ? "?" : "–");
  drawn += text_at(middle, y + 14, "class=\"n b\"", fmt::format("{:.0f} %", share * 100));
  if (cell.p50) {
    drawn += text_at(middle, y + 27, "class=\"n\"", fmt::format("{:.1f} s", to_seconds(*cell.p50)));
  }
  return drawn;
}

int labels_width(const MatrixResult& result) {
  std::size_t longest = 0;
  for (const std::string& kind : result.kinds) longest = std::max(longest, kind.size());
  return static_cast<int>(longest + 4) * kLetterWidth;
}

}  // namespace

std::string matrix_picture(const MatrixResult& result) {
  const int count = static_cast<int>(result.kinds.size());
  const int left = kMargin + labels_width(result);
  const int top = kMargin + kTitleHeight;
  const int width = std::max(left + count * kCellWidth + kMargin,
                             2 * kMargin + static_cast<int>(result.command.size()) * kLetterWidth);
  const int height = top + (count + 1) * kCellHeight + kMargin;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<style>.n{{text-anchor:middle}}.b{{font-weight:bold}}</style>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
      width, height);
  svg += text_at(kMargin, kMargin + 12, "class=\"b\"", result.command);
  svg += text_at(kMargin, kMargin + 30, "",
                 "Share of runs that end with a direct tunnel, and the median time to the first "
                 "tunnel. –: no path.");
  for (int row = 0; row < count; ++row) {
    const int y = top + row * kCellHeight;
    const auto at = static_cast<std::size_t>(row);
    svg += text_at(kMargin, y + 20, "", fmt::format("{} {}", row + 1, result.kinds[at]));
    for (int column = 0; column <= row; ++column) {
      svg += cell_at(left + column * kCellWidth, y,
                     result.cells[at][static_cast<std::size_t>(column)]);
    }
  }
  for (int column = 0; column < count; ++column) {
    svg += text_at(left + column * kCellWidth + kCellWidth / 2, top + count * kCellHeight + 16,
                   "class=\"n\"", std::to_string(column + 1));
  }
  return svg + "</svg>\n";
}

}  // namespace kadwire::testnet
