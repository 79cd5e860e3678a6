#pragma once

/// Where a person's mesh secret comes from, and how its text leaves no trace: it lives in locked
/// memory only, and its bytes are wiped from the arguments and the environment, which every user of
/// the machine could otherwise read with ps. Not here: what the text means (crypto/mesh_secret.h).

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "crypto/mesh_secret.h"
#include "crypto/secret_bytes.h"
#include "node/control/failure.h"

namespace kadwire::control {

/// The words after the program's name, without any secret.
struct Arguments {
  std::vector<std::string> words;
  /// The value of --secret (whose value is then missing from `words`).
  std::optional<crypto::SecretBytes> secret;
};
/// Overwrites in `argv` the value of --secret and every word that begins with "kadwire:"; such a
/// word stands as "kadwire:..." in `words`.
[[nodiscard]] Arguments take_arguments(int argc, char** argv);

/// The text of KADWIRE_SECRET, which is wiped and unset; nullopt if it is unset or empty.
[[nodiscard]] std::optional<crypto::SecretBytes> take_environment_secret();

/// All that may hold the secret; the first that is set decides.
struct SecretSources {
  std::optional<crypto::SecretBytes> argument;              ///< --secret
  std::optional<std::filesystem::path> file;                ///< --secret-file; "-": standard input
  std::optional<crypto::SecretBytes> environment;           ///< KADWIRE_SECRET
  std::optional<std::filesystem::path> environment_file;    ///< KADWIRE_SECRET_FILE
  std::optional<std::filesystem::path> configuration_file;  ///< secret-file in a configuration

  [[nodiscard]] bool empty() const;
};

/// Reads and understands the secret; without any source, asks on the terminal without echo, and
/// fails if there is none. Warnings (a file that others may read, a secret among the arguments) go
/// to `warnings`, one line each. Failures name the source.
[[nodiscard]] tl::expected<crypto::MeshSecret, Failure> read_mesh_secret(SecretSources sources,
                                                                         std::ostream& warnings);

}  // namespace kadwire::control
