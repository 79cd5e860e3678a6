#pragma once

#include <string_view>

namespace kadwire {

/// True if `text` is well-formed UTF-8 (RFC 3629 §4): no overlong forms, no surrogates, nothing
/// above U+10FFFF, no sequence cut short. NUL and other control characters are characters like any
/// other.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace kadwire
