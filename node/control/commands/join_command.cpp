#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstring>
#include <fstream>

#include "node/control/commands/commands.h"
#include "node/control/config_file.h"
#include "node/control/join_settings.h"
#include "node/control/logging.h"
#include "node/control/privileges.h"

namespace kadwire::control {
namespace {

constexpr const char* kJoinExamples =
    "Examples:\n"
    "  sudo kadwire join                                      asks for the secret, shows nothing\n"
    "  sudo kadwire join --secret-file mesh.secret\n"
    "  sudo kadwire join --config /etc/kadwire/office.toml    the same names as keys:\n"
    "                                                         listen-port = 51820\n"
    "  sudo kadwire join --secret-file S --bootstrap none     contact no host on the internet\n"
    "The secret comes from the first of --secret, --secret-file, $KADWIRE_SECRET, the file in\n"
    "$KADWIRE_SECRET_FILE, the configuration, and a prompt. Runs until Ctrl-C or SIGTERM.";

tl::unexpected<Failure> failure(std::string message) {
  return tl::unexpected(Failure{std::move(message)});
}

/// This machine's own name; empty if it has none.
std::string machine_name() {
  std::array<char, 256> name{};
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0;
  return known ? name.data() : "";
}

tl::expected<std::string, Failure> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kConfigBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    return failure(fmt::format("cannot read the configuration {}: {}", path, std::strerror(errno)));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

class JoinCommand final : public Command {
 public:
  explicit JoinCommand(CLI::App& root)
      : Command(root, "join", "Join the mesh of a secret and run until stopped"), secret_(app_) {
    app_.footer(kJoinExamples);
    app_.add_option("--config", config_, "Read settings from this TOML file; flags win over it")
        ->type_name("FILE");
    for (const Setting& setting : join_settings()) add_flag_for(setting);
  }

  int run(Invocation& invocation) override {
    auto settings = all_settings();
    if (!settings) return fail(invocation, settings.error(), kExitUsage);
    auto sources = secret_sources(invocation, *settings);
    if (!sources) return fail(invocation, sources.error(), kExitUsage);
    if (!may_administer_network()) {
      return fail(invocation, {"join makes a network interface, which needs root (or "
                               "CAP_NET_ADMIN); try: sudo kadwire join"});
    }
    forbid_core_dumps();
    auto secret = read_mesh_secret(std::move(*sources), invocation.err);
    if (!secret) return fail(invocation, secret.error());
    if (const auto outside = check_endpoints(*settings, *secret); !outside) {
      return fail(invocation, outside.error(), kExitUsage);
    }
    start_logging(settings->log_level.value_or("info"), json_ ? LogForm::kJson : LogForm::kText);
    return invocation.run_daemon(to_daemon_options(*settings, std::move(*secret), machine_name()));
  }

 private:
  void add_flag_for(const Setting& setting) {
    const std::string name = fmt::format("--{}", setting.name);
    const std::string help(setting.help);
    CLI::Option* option = nullptr;
    if (setting.kind == ValueKind::kSwitch) {
      option = app_.add_flag_callback(
          name, [this, &setting] { apply(setting, "true"); }, help);
    } else {
      option = app_.add_option_function<std::vector<std::string>>(
          name,
          [this, &setting](const std::vector<std::string>& values) {
            for (const std::string& value : values) apply(setting, value);
          },
          help);
      option->type_name(std::string(setting.value_name))->allow_extra_args(false);
      if (setting.kind != ValueKind::kList) option->expected(1);
    }
    if (!setting.in_help) option->group("");
  }

  void apply(const Setting& setting, std::string_view value) {
    if (const auto applied = setting.apply(flags_, value); !applied) {
      throw CLI::ValidationError(fmt::format("--{}", setting.name), applied.error().message);
    }
  }

  /// Flags over the configuration file; the environment's socket path between the two.
  [[nodiscard]] tl::expected<JoinSettings, Failure> all_settings() const {
    JoinSettings settings;
    if (config_) {
      const auto text = read_config(*config_);
      if (!text) return tl::unexpected(text.error());
      auto parsed = parse_config(*text);
      if (!parsed) return failure(fmt::format("{}: {}", *config_, parsed.error().message));
      settings = std::move(*parsed);
    }
    if (const auto path = environment_variable("KADWIRE_SOCKET")) settings.socket_path = *path;
    settings = overlay(std::move(settings), flags_);
    if (const auto kept = check_settings(settings); !kept) return tl::unexpected(kept.error());
    return settings;
  }

  [[nodiscard]] tl::expected<SecretSources, Failure> secret_sources(
      Invocation& invocation, const JoinSettings& settings) const {
    auto sources = secret_.sources(invocation);
    if (!sources) return sources;
    if (sources->argument && flags_.secret_file) {
      return failure("give either --secret or --secret-file, not both");
    }
    sources->file = flags_.secret_file;
    sources->configuration_file = settings.secret_file;
    return sources;
  }

  SecretChoice secret_;
  std::optional<std::string> config_;
  JoinSettings flags_;
};

}  // namespace

void add_join(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  commands.push_back(std::make_unique<JoinCommand>(root));
}

}  // namespace kadwire::control
