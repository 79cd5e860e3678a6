#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "crypto/key_schedule.h"
#include "crypto/mesh_address.h"
#include "node/control/answer_text.h"
#include "node/control/commands/commands.h"
#include "node/control/join_settings.h"
#include "node/control/privileges.h"

namespace kadwire::control {
namespace {

constexpr const char* kStatusExamples =
    "Examples:\n"
    "  sudo kadwire status                            the daemon that runs here\n"
    "  sudo kadwire status --interface office         one of several\n"
    "  kadwire status --secret-file mesh.secret       what every member derives from a secret\n"
    "A secret may also come from $KADWIRE_SECRET or a file named by $KADWIRE_SECRET_FILE.";

/// A topic's shard while there is only one, and how many of its bytes are shown.
constexpr std::uint8_t kShard = 0;
constexpr std::size_t kTopicPrefixBytes = 8;

nlohmann::json derived_parameters(const crypto::MeshSecret& secret, const std::string& interface,
                                  WallTime now) {
  const crypto::KeySchedule keys(secret);
  const crypto::InfoHash topic = keys.topic(hour_of(now), kShard);
  return {{"mesh_id", keys.mesh_id_text()},
          {"topic_prefix", to_hex(ByteView(topic).first(kTopicPrefixBytes))},
          {"mesh_subnet", crypto::mesh_ipv4_network(keys, secret).to_string()},
          {"mesh_ipv6_prefix", crypto::mesh_ipv6_network(keys).to_string()},
          {"interface", interface}};
}

class StatusCommand final : public Command {
 public:
  explicit StatusCommand(CLI::App& root)
      : Command(root, "status", "Show the daemon that runs here, or what a secret stands for"),
        daemon_(app_),
        secret_(app_) {
    app_.footer(kStatusExamples);
    app_.add_option_function<std::string>(
            "--secret-file", [this](const std::string& file) { secret_.set_file(file); },
            "Show what the secret in this file stands for ('-' for standard input)")
        ->type_name("FILE");
  }

  int run(Invocation& invocation) override {
    auto sources = secret_.sources(invocation);
    if (!sources) return fail(invocation, sources.error(), kExitUsage);
    return sources->empty() ? show_daemon(invocation)
                            : show_secret(invocation, std::move(*sources));
  }

 private:
  int show_daemon(Invocation& invocation) const {
    const auto status = daemon_.call(invocation, "daemon.status", nlohmann::json::object());
    if (!status) return fail(invocation, status.error());
    if (json_) {
      print_json(invocation, *status);
    } else {
      invocation.out << describe_status(*status, invocation.colour);
    }
    return kExitOk;
  }

  int show_secret(Invocation& invocation, SecretSources sources) const {
    forbid_core_dumps();
    const auto secret = read_mesh_secret(std::move(sources), invocation.err);
    if (!secret) return fail(invocation, secret.error());
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const nlohmann::json derived =
        derived_parameters(*secret, daemon_.interface().value_or(kDefaultInterface), now);
    if (json_) {
      print_json(invocation, derived);
    } else {
      invocation.out << describe_derived(derived);
    }
    return kExitOk;
  }

  DaemonChoice daemon_;
  SecretChoice secret_;
};

}  // namespace

void add_status(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<StatusCommand>(root));
}

}  // namespace kadwire::control
