#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "crypto/key_schedule.h"
#include "crypto/system_random.h"
#include "node/control/commands/commands.h"
#include "node/control/privileges.h"
#include "node/control/text.h"

namespace kadwire::control {
namespace {

constexpr const char* kInitExamples =
    "Examples:\n"
    "  (umask 077; kadwire init > mesh.secret)    keep it where only you can read it\n"
    "  kadwire init --net 10.20.0.0/16            choose the mesh's IPv4 network\n"
    "Standard output gets the secret alone; the explanation goes to standard error.";

constexpr std::string_view kHint =
    "\nThis secret is the key to the mesh: keep it in a file that only its owner can read\n"
    "(chmod 600), copy that file to every machine, and on each one run\n"
    "  sudo kadwire join --secret-file FILE\n";

/// Whether standard output is a file that other users can read.
bool output_is_exposed() {
  struct stat status {};
  return ::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & 077) != 0;
}

class InitCommand final : public Command {
 public:
  explicit InitCommand(CLI::App& root)
      : Command(root, "init", "Make a new mesh secret and print it; nothing is stored") {
    app_.footer(kInitExamples);
    app_.add_option("--net", network_,
                    "The mesh's IPv4 network (default: 10.x.0.0/16 with x from the secret)")
        ->type_name("CIDR");
  }

  int run(Invocation& invocation) override {
    forbid_core_dumps();
    crypto::SystemRandom random;
    crypto::MeshSecret secret = crypto::generate_mesh_secret(random);
    if (network_ && !choose_network(secret)) {
      return fail(invocation,
                  {fmt::format("--net: '{}' is not an IPv4 network of /8 to /30 with its host bits "
                               "zero, as 10.20.0.0/16 is",
                               printable(*network_))},
                  kExitUsage);
    }
    std::string uri = crypto::format_mesh_secret(secret);
    if (json_) {
      print_secret_json(invocation, uri, secret);
    } else {
      invocation.out << uri << std::endl;
      invocation.err << kHint;
    }
    crypto::wipe(uri);
    if (output_is_exposed()) {
      invocation.err << "kadwire: warning: others can read the file this went to; chmod 600 it\n";
    }
    return kExitOk;
  }

 private:
  /// The secret's own parser decides which networks are good.
  bool choose_network(crypto::MeshSecret& secret) const {
    std::string uri = crypto::format_mesh_secret(secret) + "?net=" + *network_;
    auto parsed = crypto::parse_mesh_secret(uri);
    crypto::wipe(uri);
    if (!parsed || !parsed->ipv4_network) return false;
    secret = std::move(*parsed);
    return true;
  }

  static void print_secret_json(Invocation& invocation, const std::string& uri,
                                const crypto::MeshSecret& secret) {
    print_json(invocation, {{"secret", uri},
                            {"mesh_id", crypto::KeySchedule(secret).mesh_id_text()},
                            {"join", "sudo kadwire join --secret-file FILE"}});
  }

  std::optional<std::string> network_;
};

}  // namespace

void add_init(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<InitCommand>(root));
}

}  // namespace kadwire::control
