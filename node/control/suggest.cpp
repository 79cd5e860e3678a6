#include "node/control/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kadwire::control {
namespace {

/// A longer word is no slip of the finger, and the distance costs its square.
constexpr std::size_t kWordBytesMax = 64;

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // Three rows of the usual table: a swap looks back two of them.
  std::vector<std::size_t> before_last, last(to.size() + 1), row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[to.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  if (word.size() > kWordBytesMax || known.empty()) return std::nullopt;
  const auto closest = std::ranges::min_element(
      known, {}, [&](const std::string& other) { return edit_distance(word, other); });
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  if (edit_distance(word, *closest) > allowed) return std::nullopt;
  return *closest;
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  const auto guess = nearest(word, known);
  return guess ? fmt::format("; did you mean '{}'?", *guess) : "";
}

}  // namespace kadwire::control
