#pragma once

/// What tests of the whole command line have in common: words in, text and exit code out, in this
/// process.

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "node/control/cli.h"
#include "node/control/privileges.h"
#include "tests/support/temporary_folder.h"

namespace kadwire::control::testing {

inline constexpr const char* kSecret = "kadwire://v1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

struct Outcome {
  int code = -1;
  std::string out, err;
};

/// A session at a shell, with a daemon that only remembers how it was started.
class Shell : public ::testing::Test {
 protected:
  Shell() {
    for (const char* name :
         {"KADWIRE_SECRET", "KADWIRE_SECRET_FILE", "KADWIRE_SOCKET", "NO_COLOR"}) {
      ::unsetenv(name);
    }
  }
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), "kadwire");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    std::ostringstream out, err;
    Invocation invocation{.out = out,
                          .err = err,
                          .run_daemon =
                              [this](node::DaemonOptions options) {
                                started = std::move(options);
                                return 7;
                              },
                          .arguments = take_arguments(static_cast<int>(argv.size()), argv.data()),
                          .environment_secret = take_environment_secret(),
                          .socket_folder = folder.path() / "run",
                          .check_network =
                              [this](const auto& stun, const auto& progress) {
                                asked = stun;
                                progress(rendezvous::NetReport{});
                                return network;
                              }};
    Outcome outcome;
    outcome.code = run_command(invocation);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }
  /// `join` needs more rights than a test may have.
  static bool may_join() { return may_administer_network(); }

  kadwire::testing::TemporaryFolder folder;
  const std::string secret_file = folder.write("mesh.secret", std::string(kSecret) + "\n").string();
  std::optional<node::DaemonOptions> started;
  /// What netcheck finds, and whom it was to ask.
  tl::expected<rendezvous::NetReport, std::string> network;
  std::vector<node::BootstrapHost> asked;
};

#define SKIP_UNLESS_ADMINISTRATOR() \
  if (!may_join()) GTEST_SKIP() << "join asks for CAP_NET_ADMIN before it reads a secret"

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace kadwire::control::testing
