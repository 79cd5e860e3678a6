#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "crypto/secret_bytes.h"
#include "node/control/failure.h"

namespace kadwire::control {

/// Asks on the process's terminal, whatever standard input and output are, and shows nothing of
/// what is typed. Backspace takes back a byte, Ctrl-U all; Ctrl-C, or Ctrl-D on an empty line,
/// gives up. Fails then, and if there is no terminal. Leaves the terminal as it was.
[[nodiscard]] tl::expected<crypto::SecretBytes, Failure> prompt_for_secret(std::string_view prompt);

}  // namespace kadwire::control
