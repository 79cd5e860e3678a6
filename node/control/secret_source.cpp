#include "node/control/secret_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "node/adapters/unique_fd.h"
#include "node/control/secret_prompt.h"

namespace kadwire::control {
namespace {

using crypto::SecretBytes;
using std::filesystem::path;

constexpr std::string_view kSecretFlag = "--secret";
constexpr std::string_view kSecretScheme = "kadwire:";
constexpr std::string_view kSecretPlaceholder = "kadwire:...";
constexpr const char* kSecretVariable = "KADWIRE_SECRET";

/// A source's name for messages, and the text it gave.
struct SourcedText {
  std::string source;
  SecretBytes text;
};

std::span<std::byte> bytes_of(char* text) {
  return std::as_writable_bytes(std::span(text, std::strlen(text)));
}

/// Moves a text out of a place that other users can look at.
SecretBytes take_text(char* text) {
  SecretBytes copy = SecretBytes::copy_of(bytes_of(text));
  // Not zeroes: an argument of length 0 would shift those behind it in what ps shows.
  std::ranges::fill(bytes_of(text), std::byte{'*'});
  return copy;
}

tl::unexpected<Failure> file_failure(const path& file) {
  const int error = errno;
  return tl::unexpected(Failure{
      fmt::format("cannot read the secret file {}: {}", file.string(), std::strerror(error))});
}

void warn_if_others_may_read(int descriptor, const path& file, std::ostream& warnings) {
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (!known || (status.st_mode & 077) == 0) return;
  warnings << fmt::format(
      "kadwire: warning: {0} can be read by others (mode {1:04o}); chmod 600 {0}\n", file.string(),
      status.st_mode & 07777);
}

/// All of the file, but not more than one byte beyond the limit, which the parser then refuses.
tl::expected<SecretBytes, Failure> read_all(int descriptor, const path& file) {
  SecretBytes buffer(crypto::kSecretTextBytesMax + 3);  // the newline of either kind, and one more
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto rest = buffer.writable().subspan(size);
    const ssize_t count = ::read(descriptor, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_failure(file);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  return SecretBytes::copy_of(buffer.view().first(size));
}

tl::expected<SourcedText, Failure> read_file(const path& file, std::ostream& warnings) {
  const bool standard_input = file == "-";
  node::UniqueFd opened;
  if (!standard_input) {
    opened.reset(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!opened) return file_failure(file);
  }
  const int descriptor = standard_input ? STDIN_FILENO : opened.get();
  warn_if_others_may_read(descriptor, file, warnings);
  auto text = read_all(descriptor, file);
  if (!text) return tl::unexpected(text.error());
  return SourcedText{standard_input ? "standard input" : file.string(), std::move(*text)};
}

tl::expected<SourcedText, Failure> read_text(SecretSources sources, std::ostream& warnings) {
  if (sources.argument) {
    warnings << "kadwire: warning: a secret on the command line ends up in the shell's history; "
                "--secret-file is safer\n";
    return SourcedText{std::string(kSecretFlag), std::move(*sources.argument)};
  }
  if (sources.file) return read_file(*sources.file, warnings);
  if (sources.environment) return SourcedText{kSecretVariable, std::move(*sources.environment)};
  if (sources.environment_file) return read_file(*sources.environment_file, warnings);
  if (sources.configuration_file) return read_file(*sources.configuration_file, warnings);
  auto typed = prompt_for_secret("Mesh secret (not shown): ");
  if (!typed) return tl::unexpected(typed.error());
  return SourcedText{"your input", std::move(*typed)};
}

}  // namespace

Arguments take_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == kSecretFlag && i + 1 < argc) {
      arguments.words.emplace_back(word);
      arguments.secret = take_text(argv[++i]);
    } else if (word.starts_with(std::string(kSecretFlag) + "=")) {
      arguments.words.emplace_back(kSecretFlag);
      arguments.secret = take_text(argv[i] + kSecretFlag.size() + 1);
    } else if (word.starts_with(kSecretScheme)) {
      arguments.words.emplace_back(kSecretPlaceholder);
      (void)take_text(argv[i]);
    } else {
      arguments.words.emplace_back(word);
    }
  }
  return arguments;
}

std::optional<SecretBytes> take_environment_secret() {
  char* value = std::getenv(kSecretVariable);
  if (value == nullptr) return std::nullopt;
  std::optional<SecretBytes> secret;
  if (*value != '\0') secret = take_text(value);
  ::unsetenv(kSecretVariable);
  return secret;
}

bool SecretSources::empty() const {
  return !argument && !file && !environment && !environment_file && !configuration_file;
}

tl::expected<crypto::MeshSecret, Failure> read_mesh_secret(SecretSources sources,
                                                           std::ostream& warnings) {
  const auto read = read_text(std::move(sources), warnings);
  if (!read) return tl::unexpected(read.error());
  auto secret = crypto::parse_mesh_secret(as_text(read->text.view()));
  if (secret) return std::move(*secret);
  return tl::unexpected(
      Failure{fmt::format("{}: {}", read->source, crypto::describe(secret.error()))});
}

}  // namespace kadwire::control
