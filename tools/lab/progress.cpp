#include "tools/lab/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "tools/statistics.h"

namespace kadwire::lab {
namespace {

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Progress::Progress() : start_(steady_now()), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  clear_live_line();
}

void Progress::restart() {
  start_ = steady_now();
}

void Progress::say(const std::string& text) {
  clear_live_line();
  fmt::print(stderr, "{}  {}\n", stamp(), text);
}

void Progress::show(const std::string& text) {
  if (!terminal_) return;
  clear_live_line();
  fmt::print(stderr, "{}  {}", stamp(), text);
  std::fflush(stderr);
  live_ = true;
}

std::string Progress::stamp() const {
  return fmt::format("{:7.2f} s", to_seconds(steady_now() - start_));
}

void Progress::clear_live_line() {
  if (!live_) return;
  std::fputs("\r\033[K", stderr);
  live_ = false;
}

}  // namespace kadwire::lab
