#include "node/control/commands/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "node/control/commands/commands.h"
#include "node/control/join_settings.h"
#include "node/control/rpc_client.h"
#include "node/control/view_json.h"

namespace kadwire::control {

Command::Command(CLI::App& parent, const std::string& name, const std::string& description)
    : app_(*parent.add_subcommand(name, description)) {
  app_.allow_extras();
  app_.add_flag("--json", json_, "Print JSON instead of text");
}

int fail(Invocation& invocation, const Failure& failure, ExitCode code) {
  invocation.err << "kadwire: " << failure.message << "\n";
  // What was not understood was not parsed either, so that the words themselves are asked.
  const auto& words = invocation.arguments.words;
  if (std::ranges::find(words, "--json") != words.end()) {
    print_json(invocation, {{"error", failure.message}});
  }
  return code;
}

void print_json(Invocation& invocation, const nlohmann::json& json) {
  invocation.out << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

DaemonChoice::DaemonChoice(CLI::App& app) {
  app.add_option("--interface", interface_, "Ask the daemon of this interface")
      ->type_name("NAME")
      ->check([](const std::string& name) {
        return is_interface_name(name) ? "" : "'" + name + "' is not an interface name";
      });
  app.add_option("--socket-path", socket_path_,
                 "Ask the daemon that listens here (default $KADWIRE_SOCKET, else the only one)")
      ->type_name("FILE");
}

tl::expected<nlohmann::json, Failure> DaemonChoice::call(const Invocation& invocation,
                                                         std::string_view method,
                                                         const nlohmann::json& params) const {
  const auto socket = find_socket(
      {socket_path_, interface_, environment_variable("KADWIRE_SOCKET")}, invocation.socket_folder);
  if (!socket) return tl::unexpected(socket.error());
  return call_daemon(*socket, method, params);
}

SecretChoice::SecretChoice(CLI::App& app) {
  // Its value was taken out of the words before (secret_source.h), so that here it is a flag.
  app.add_flag("--secret", argument_given_,
               "The mesh secret itself follows; it may stay in the shell's history: prefer "
               "--secret-file")
      ->type_name("SECRET");
}

tl::expected<SecretSources, Failure> SecretChoice::sources(Invocation& invocation) const {
  if (argument_given_ && !invocation.arguments.secret) {
    return tl::unexpected(Failure{"--secret needs the secret behind it"});
  }
  if (argument_given_ && file_) {
    return tl::unexpected(Failure{"give either --secret or --secret-file, not both"});
  }
  SecretSources sources;
  sources.argument = std::exchange(invocation.arguments.secret, std::nullopt);
  if (file_) sources.file = *file_;
  sources.environment = std::exchange(invocation.environment_secret, std::nullopt);
  sources.environment_file = environment_variable("KADWIRE_SECRET_FILE");
  return sources;
}

std::vector<const CLI::Option*> visible_options(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : app.get_options()) {
    const bool hidden = option->get_group().empty();
    if (!hidden && !option->get_lnames().empty()) options.push_back(option);
  }
  return options;
}

std::string flag_of(const CLI::Option& option) {
  return "--" + option.get_lnames().front();
}

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::vector<std::unique_ptr<Command>> make_commands(CLI::App& root) {
  std::vector<std::unique_ptr<Command>> commands;
  add_init(root, commands);
  add_join(root, commands);
  add_status(root, commands);
  add_peers(root, commands);
  add_ping(root, commands);
  add_why(root, commands);
  add_netcheck(root, commands);
  add_version(root, commands);
  add_completion(root, commands);
  return commands;
}

}  // namespace kadwire::control
