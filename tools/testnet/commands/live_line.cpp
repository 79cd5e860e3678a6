#include "tools/testnet/commands/live_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace kadwire::testnet {
namespace {

/// Fast enough to look alive, slow enough to read.
constexpr double kTerminalSeconds = 0.2;
/// In a log file.
constexpr double kLogSeconds = 10;

}  // namespace

LiveLine::LiveLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

LiveLine::~LiveLine() {
  if (shown_ && terminal_) fmt::print(stderr, "\r\x1b[K");
}

bool LiveLine::due() const {
  return since_last_.seconds() >= (terminal_ ? kTerminalSeconds : kLogSeconds);
}

void LiveLine::show(const std::string& text) {
  since_last_ = Stopwatch();
  shown_ = true;
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

}  // namespace kadwire::testnet
