#pragma once

/// What all commands of the command line have in common, and the pieces that several share.

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "node/control/cli.h"
#include "node/control/failure.h"

namespace kadwire::control {

/// One command. Its constructor declares its options on an app of its own below `parent`; they are
/// its members and filled when it runs. `parent` owns the app and outlives the command.
class Command {
 public:
  Command(CLI::App& parent, const std::string& name, const std::string& description);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;
  [[nodiscard]] const CLI::App* app() const { return &app_; }
  /// An exit code.
  [[nodiscard]] virtual int run(Invocation& invocation) = 0;

 protected:
  CLI::App& app_;
  bool json_ = false;  ///< --json, which every command has
};

/// The error as the one line it is; for whoever wrote --json also as an object with `error`. Every
/// failure of a command, and of finding one, is said here.
int fail(Invocation& invocation, const Failure& failure, ExitCode code = kExitFailed);
/// `json` for machines: indented, and a newline.
void print_json(Invocation& invocation, const nlohmann::json& json);

/// --interface and --socket-path of the commands that ask a daemon.
class DaemonChoice {
 public:
  explicit DaemonChoice(CLI::App& app);
  [[nodiscard]] tl::expected<nlohmann::json, Failure> call(const Invocation& invocation,
                                                           std::string_view method,
                                                           const nlohmann::json& params) const;
  /// --interface, if it was given.
  [[nodiscard]] const std::optional<std::string>& interface() const { return interface_; }

 private:
  std::optional<std::string> interface_;
  std::optional<std::string> socket_path_;
};

/// --secret and --secret-file of the commands that take a mesh secret.
class SecretChoice {
 public:
  explicit SecretChoice(CLI::App& app);
  /// Everything that may hold the secret, moved out of `invocation`. `file` comes from elsewhere
  /// when --secret-file is declared elsewhere. Fails for contradictions.
  [[nodiscard]] tl::expected<SecretSources, Failure> sources(Invocation& invocation) const;
  void set_file(std::string file) { file_ = std::move(file); }

 private:
  bool argument_given_ = false;
  std::optional<std::string> file_;
};

/// The options a person may be told of, in the order of their declaration.
[[nodiscard]] std::vector<const CLI::Option*> visible_options(const CLI::App& app);
/// "--name" of an option.
[[nodiscard]] std::string flag_of(const CLI::Option& option);

/// The value of an environment variable; nullopt if it is unset or empty.
[[nodiscard]] std::optional<std::string> environment_variable(const char* name);

}  // namespace kadwire::control
