#include "node/control/secret_prompt.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "crypto/mesh_secret.h"
#include "node/adapters/unique_fd.h"

namespace kadwire::control {
namespace {

using crypto::SecretBytes;

constexpr char kControlC = 0x03;
constexpr char kControlD = 0x04;
constexpr char kBackspace = 0x08;
constexpr char kControlU = 0x15;
constexpr char kDelete = 0x7f;

/// The terminal gives every byte at once and shows none, Ctrl-C included, until the end of scope.
class SilentTerminal {
 public:
  explicit SilentTerminal(int descriptor) : descriptor_(descriptor) {
    changed_ = ::tcgetattr(descriptor_, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= static_cast<tcflag_t>(~(ECHO | ICANON | ISIG));
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    changed_ = changed_ && ::tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool silent() const { return changed_; }

 private:
  int descriptor_;
  termios before_{};
  bool changed_ = false;
};

void show(int terminal, std::string_view text) {
  // What cannot be shown is not worth giving up for: the person may still type.
  [[maybe_unused]] const ssize_t written = ::write(terminal, text.data(), text.size());
}

tl::unexpected<Failure> given_up() {
  return tl::unexpected(Failure{"no secret was entered"});
}

tl::expected<SecretBytes, Failure> read_line(int terminal) {
  SecretBytes line(crypto::kSecretTextBytesMax + 1);
  std::size_t size = 0;
  for (;;) {
    char key = 0;
    const ssize_t count = ::read(terminal, &key, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || key == kControlC || (key == kControlD && size == 0)) return given_up();
    if (key == '\r' || key == '\n') return SecretBytes::copy_of(line.view().first(size));
    if (key == kControlU) {
      size = 0;
    } else if (key == kBackspace || key == kDelete) {
      size -= size > 0 ? 1 : 0;
    } else if (size < line.size()) {
      line.writable()[size++] = static_cast<std::byte>(key);
    }
  }
}

}  // namespace

tl::expected<SecretBytes, Failure> prompt_for_secret(std::string_view prompt) {
  const node::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  const SilentTerminal silence(terminal.get());
  if (!silence.silent()) {
    return tl::unexpected(Failure{
        "no secret was given and there is no terminal to ask on; use --secret-file FILE, or make a "
        "secret with: kadwire init"});
  }
  show(terminal.get(), prompt);
  auto line = read_line(terminal.get());
  show(terminal.get(), "\r\n");
  return line;
}

}  // namespace kadwire::control
