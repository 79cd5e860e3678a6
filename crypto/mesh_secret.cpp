#include "crypto/mesh_secret.h"

#include <sodium.h>

#include <cassert>

#include "crypto/sodium_bytes.h"
#include "node/base/utf8.h"

namespace kadwire::crypto {
namespace {

constexpr std::string_view kScheme = "kadwire:";
constexpr std::string_view kUriPrefix = "kadwire://v1/";
constexpr std::string_view kNetworkKey = "net=";

/// "kadwire://v1/", 43 characters, "?net=255.255.255.255/30": 79, rounded up.
constexpr std::size_t kUriBytesMax = 96;

/// Wider than /8 no private range offers; narrower than /30 leaves no two host addresses.
constexpr unsigned kNetworkLengthMin = 8;
constexpr unsigned kNetworkLengthMax = 30;

/// Argon2id's cost, fixed because every member must come to the same key: about 0.1 s and 64 MiB,
/// which a small router still has and a search of billions of guesses has not.
constexpr std::string_view kPassphraseSalt = "kadwire-v1-pass.";
constexpr unsigned long long kPassphraseOpsLimit = 3;
constexpr std::size_t kPassphraseMemoryBytes = std::size_t{64} * 1024 * 1024;
static_assert(kPassphraseSalt.size() == crypto_pwhash_SALTBYTES);

std::string_view without_newline(std::string_view text) {
  if (!text.ends_with('\n')) return text;
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

tl::expected<SecretBytes, SecretError> parse_key(std::string_view text) {
  auto decoded = from_base64url(text);
  if (!decoded) return tl::unexpected(SecretError::kBadKey);
  SecretBytes key = SecretBytes::copy_of(*decoded);
  wipe(*decoded);
  if (key.size() != kSecretBytes) return tl::unexpected(SecretError::kBadKey);
  return key;
}

tl::expected<Prefix, SecretError> parse_network(std::string_view text) {
  const auto network = Prefix::parse(text);
  const bool fits = network && network->address.is_v4() && network->length >= kNetworkLengthMin &&
                    network->length <= kNetworkLengthMax && network->network() == *network;
  // One spelling only, so that two URIs are the same mesh exactly if they are the same text.
  if (!fits || network->to_string() != text) return tl::unexpected(SecretError::kBadNetwork);
  return *network;
}

tl::expected<std::optional<Prefix>, SecretError> parse_query(std::string_view query) {
  if (!query.starts_with(kNetworkKey) || query.find('&') != std::string_view::npos) {
    return tl::unexpected(SecretError::kUnknownQuery);
  }
  return parse_network(query.substr(kNetworkKey.size()));
}

tl::expected<MeshSecret, SecretError> parse_uri(std::string_view text) {
  if (!text.starts_with(kUriPrefix)) return tl::unexpected(SecretError::kUnknownVersion);
  text.remove_prefix(kUriPrefix.size());
  const auto question_mark = text.find('?');
  auto key = parse_key(text.substr(0, question_mark));
  if (!key) return tl::unexpected(key.error());
  if (question_mark == std::string_view::npos) return MeshSecret{std::move(*key), std::nullopt};
  const auto network = parse_query(text.substr(question_mark + 1));
  if (!network) return tl::unexpected(network.error());
  return MeshSecret{std::move(*key), *network};
}

tl::expected<MeshSecret, SecretError> stretch_passphrase(std::string_view text) {
  SecretBytes ikm(kSecretBytes);
  const int result =
      crypto_pwhash(out(ikm), ikm.size(), text.data(), text.size(), in(as_bytes(kPassphraseSalt)),
                    kPassphraseOpsLimit, kPassphraseMemoryBytes, crypto_pwhash_ALG_ARGON2ID13);
  if (result != 0) return tl::unexpected(SecretError::kNoMemory);
  return MeshSecret{std::move(ikm), std::nullopt};
}

}  // namespace

std::string_view describe(SecretError error) {
  switch (error) {
    case SecretError::kTooShort:
      return "The secret is shorter than 16 bytes; use a longer passphrase, or make a secret with "
             "`kadwire init`.";
    case SecretError::kTooLong:
      return "The secret is longer than 4096 bytes; check that it is the secret and not another "
             "file.";
    case SecretError::kNotUtf8:
      return "The secret is not valid UTF-8 text; check its encoding, or make a secret with "
             "`kadwire init`.";
    case SecretError::kUnknownVersion:
      return "The secret starts with \"kadwire:\" but not with \"kadwire://v1/\"; check that it "
             "was "
             "copied whole, or update kadwire.";
    case SecretError::kBadKey:
      return "The key in the secret is not 43 base64url characters of 32 bytes; check that it was "
             "copied whole and without additions.";
    case SecretError::kUnknownQuery:
      return "The secret's part after \"?\" is not a single \"net=\"; correct it, or update "
             "kadwire.";
    case SecretError::kBadNetwork:
      return "The secret's \"net=\" is not an IPv4 network of /8 to /30 with its host bits zero; "
             "write it like net=10.20.0.0/16.";
    case SecretError::kNoMemory:
      return "There is not enough memory to stretch the passphrase (it takes 64 MiB); free some, "
             "or "
             "use a secret made with `kadwire init`.";
  }
  assert(false && "every SecretError has its sentence");
  return {};
}

tl::expected<MeshSecret, SecretError> parse_mesh_secret(std::string_view text) {
  text = without_newline(text);
  if (text.size() > kSecretTextBytesMax) return tl::unexpected(SecretError::kTooLong);
  if (text.starts_with(kScheme)) return parse_uri(text);
  if (text.size() < kPassphraseBytesMin) return tl::unexpected(SecretError::kTooShort);
  if (!is_utf8(text)) return tl::unexpected(SecretError::kNotUtf8);
  return stretch_passphrase(text);
}

MeshSecret generate_mesh_secret(RandomSource& random) {
  SecretBytes ikm(kSecretBytes);
  random.fill(ikm.writable());
  return {std::move(ikm), std::nullopt};
}

std::string format_mesh_secret(const MeshSecret& secret) {
  assert(secret.ikm.size() == kSecretBytes);
  std::string key = to_base64url(secret.ikm.view());
  std::string uri;
  uri.reserve(kUriBytesMax);  // growing would leave copies of the key behind
  uri.append(kUriPrefix).append(key);
  if (secret.ipv4_network) {
    uri.append("?").append(kNetworkKey).append(secret.ipv4_network->to_string());
  }
  wipe(key);
  return uri;
}

}  // namespace kadwire::crypto
