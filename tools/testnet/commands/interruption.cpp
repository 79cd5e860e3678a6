#include "tools/testnet/commands/interruption.h"

#include <atomic>
#include <csignal>

namespace kadwire::testnet {
namespace {

/// A signal handler can reach nothing but a global.
std::atomic<bool> signalled = false;

void note(int) {
  signalled = true;
  // Whoever asks again does not want to wait for the opportunity.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void watch_for_interruption() {
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

bool interrupted() {
  return signalled;
}

}  // namespace kadwire::testnet
