#include "tools/testnet/commands/interruption.h"

#include <atomic>
#include <csignal>

namespace kadwire::testnet {
namespace {

/// A signal handler can reach nothing but a global.
std::atomic<bool> signalled = false;

}  // namespace

void watch_for_interruption() {
  std::signal(SIGINT, [](int) { signalled = true; });
}

bool interrupted() {
  return signalled;
}

}  // namespace kadwire::testnet
