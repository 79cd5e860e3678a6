#include "node/base/utf8.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace kadwire {
namespace {

/// One line of the grammar in RFC 3629 §4: which first bytes open a sequence of which length, and
/// what the second byte may be. Any further byte is 0x80 to 0xbf. The narrowed second bytes are
/// what keeps out overlong forms, surrogates and numbers above U+10FFFF.
struct SequenceRule {
  unsigned char first_min, first_max;
  unsigned char second_min, second_max;
  std::size_t length;
};

constexpr std::array kSequenceRules{
    SequenceRule{0x00, 0x7f, 0x00, 0x00, 1}, SequenceRule{0xc2, 0xdf, 0x80, 0xbf, 2},
    SequenceRule{0xe0, 0xe0, 0xa0, 0xbf, 3}, SequenceRule{0xe1, 0xec, 0x80, 0xbf, 3},
    SequenceRule{0xed, 0xed, 0x80, 0x9f, 3}, SequenceRule{0xee, 0xef, 0x80, 0xbf, 3},
    SequenceRule{0xf0, 0xf0, 0x90, 0xbf, 4}, SequenceRule{0xf1, 0xf3, 0x80, 0xbf, 4},
    SequenceRule{0xf4, 0xf4, 0x80, 0x8f, 4},
};

bool in_range(char character, unsigned char minimum, unsigned char maximum) {
  const auto byte = static_cast<unsigned char>(character);
  return byte >= minimum && byte <= maximum;
}

/// The length of the character that `text` starts with; 0 if it starts with none. Not for "".
std::size_t first_character_length(std::string_view text) {
  const auto* rule = std::ranges::find_if(kSequenceRules, [&](const SequenceRule& candidate) {
    return in_range(text.front(), candidate.first_min, candidate.first_max);
  });
  if (rule == kSequenceRules.end() || text.size() < rule->length) return 0;
  if (rule->length == 1) return 1;
  if (!in_range(text[1], rule->second_min, rule->second_max)) return 0;
  const std::string_view tail = text.substr(2, rule->length - 2);
  const bool continued =
      std::ranges::all_of(tail, [](char character) { return in_range(character, 0x80, 0xbf); });
  return continued ? rule->length : 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = first_character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace kadwire
