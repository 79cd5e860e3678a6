/// Any text as a mesh secret. Passphrases are judged but not stretched: Argon2id takes 0.1 s a run.
/// Properties: a URI that is taken is the one spelling of what it means, so writing it down gives
/// it back; a text that is no URI is refused exactly for its length or its encoding.

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/mesh_secret.h"
#include "node/base/utf8.h"

namespace {

using kadwire::crypto::format_mesh_secret;
using kadwire::crypto::parse_mesh_secret;
using kadwire::crypto::SecretError;

std::string_view without_newline(std::string_view text) {
  if (text.ends_with("\r\n")) return text.substr(0, text.size() - 2);
  if (text.ends_with("\n")) return text.substr(0, text.size() - 1);
  return text;
}

/// The length of the UTF-8 form of `number`; 0 for a surrogate and beyond Unicode.
std::size_t encoded_length(std::uint32_t number) {
  if (number < 0x80) return 1;
  if (number < 0x800) return 2;
  if (number >= 0xd800 && number <= 0xdfff) return 0;
  if (number < 0x10000) return 3;
  return number <= 0x10ffff ? 4 : 0;
}

/// UTF-8 told apart in another way than is_utf8 does: decode, then ask if this is the shortest
/// form.
bool decodes_as_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc0 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf8 ? 4
                                              : 0;
    if (length == 0 || length > text.size()) return false;
    std::uint32_t number = length == 1 ? first : first & (0xffU >> (length + 1));
    for (const char character : text.substr(1, length - 1)) {
      const auto byte = static_cast<unsigned char>(character);
      if ((byte & 0xc0) != 0x80) return false;
      number = number << 6 | (byte & 0x3f);
    }
    if (encoded_length(number) != length) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_uri(std::string_view text) {
  const auto secret = parse_mesh_secret(text);
  if (!secret) {
    assert(!describe(secret.error()).empty());
    return;
  }
  const std::string uri = format_mesh_secret(*secret);
  assert(uri == without_newline(text));
  const auto again = parse_mesh_secret(uri);
  assert(again && again->ikm.equals(secret->ikm.view()));
  assert(again->ipv4_network == secret->ipv4_network);
}

void check_passphrase(std::string_view text) {
  const std::string_view content = without_newline(text);
  assert(kadwire::is_utf8(content) == decodes_as_utf8(content));
  std::optional<SecretError> expected;
  if (content.size() > kadwire::crypto::kSecretTextBytesMax) {
    expected = SecretError::kTooLong;
  } else if (content.size() < kadwire::crypto::kPassphraseBytesMin) {
    expected = SecretError::kTooShort;
  } else if (!decodes_as_utf8(content)) {
    expected = SecretError::kNotUtf8;
  }
  if (!expected) return;
  const auto secret = parse_mesh_secret(text);
  assert(!secret && secret.error() == *expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const bool started = (kadwire::crypto::initialise(), true);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("kadwire:")) {
    check_uri(text);
  } else {
    check_passphrase(text);
    check_uri("kadwire://v1/" + std::string(text));
  }
  return 0;
}
