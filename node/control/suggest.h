#pragma once

/// Guesses which word somebody meant. Pure.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kadwire::control {

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour to
/// turn one word into the other (optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The closest of `known`, the first one among equals; nullopt if none is close enough for a guess
/// to help: at most a third of the word's length away, and always within 1.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> known);

/// "; did you mean 'X'?" or, without a good guess, nothing: the end of an error line.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace kadwire::control
