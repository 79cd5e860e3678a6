#pragma once

/// The one secret that makes a mesh: parsing, generating and writing it down.
/// Two forms are accepted, and both end in 32 bytes of input key material (ikm):
///   kadwire://v1/<KEY>[?net=CIDR]   KEY: 43 characters, base64url without padding of random bytes;
///                                   the bytes are the ikm
///   any other text                  a passphrase, at least 16 bytes of UTF-8; ikm = Argon2id13(it)
/// A text that starts with "kadwire:" is a URI or an error, never a passphrase.

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "crypto/secret_bytes.h"
#include "node/base/endpoint.h"
#include "node/base/random.h"

namespace kadwire::crypto {

inline constexpr std::size_t kSecretBytes = 32;
/// OWASP-style floor: below 16 bytes of text a stretched passphrase can still be searched.
inline constexpr std::size_t kPassphraseBytesMin = 16;
/// A secret file or prompt line longer than this is a mistake, not a passphrase.
inline constexpr std::size_t kSecretTextBytesMax = 4096;

enum class SecretError {
  kTooShort,  ///< passphrase below kPassphraseBytesMin
  kTooLong,   ///< above kSecretTextBytesMax
  kNotUtf8,
  kUnknownVersion,  ///< "kadwire:" but not "kadwire://v1/"
  kBadKey,          ///< not the canonical base64url of exactly 32 bytes
  kUnknownQuery,    ///< a query key other than net, or one given twice
  kBadNetwork,      ///< net= is no IPv4 CIDR of /8 to /30, or has host bits set
  kNoMemory,        ///< Argon2id could not have its 64 MiB
};
/// One clear sentence: what is wrong and what to do. Never contains any part of the secret.
[[nodiscard]] std::string_view describe(SecretError error);

/// What a secret text means. Move-only because it holds the key material.
struct MeshSecret {
  SecretBytes ikm;                     ///< 32 bytes of input key material
  std::optional<Prefix> ipv4_network;  ///< net= of the URI, host bits zero
};

/// `text` may end in one newline ("\n" or "\r\n"), which is dropped. A passphrase costs about 0.1 s
/// and 64 MiB (Argon2id, opslimit 3, salt "kadwire-v1-pass.").
[[nodiscard]] tl::expected<MeshSecret, SecretError> parse_mesh_secret(std::string_view text);

/// 32 fresh bytes.
[[nodiscard]] MeshSecret generate_mesh_secret(RandomSource& random);

/// The URI of a generated or URI-given secret. The caller wipes the result after use.
[[nodiscard]] std::string format_mesh_secret(const MeshSecret& secret);

}  // namespace kadwire::crypto
