#pragma once

/// Runs a test's body in a network of its own: a thread with fresh network and mount namespaces,
/// the loopback interface up, and an empty /run, where wireguard-go keeps its sockets. Whatever
/// wireguard-go the body leaves running is ended afterwards. Nothing reaches the machine's network.

#include <functional>
#include <optional>
#include <string>

namespace kadwire::testing {

/// Why this machine cannot run such tests; nullopt if it can.
[[nodiscard]] std::optional<std::string> no_own_network();
void in_own_network(const std::function<void()>& body);

/// Runs a command in the calling thread's namespaces; the test fails unless it succeeds.
void run_command(const std::string& command);

/// The process that serves an interface's UAPI socket, as the kernel tells it; 0 if there is none.
[[nodiscard]] int process_behind(const std::string& interface);

}  // namespace kadwire::testing

#define KADWIRE_SKIP_WITHOUT_OWN_NETWORK() \
  if (const auto reason = ::kadwire::testing::no_own_network()) GTEST_SKIP() << *reason
