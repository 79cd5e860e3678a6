#include "node/control/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "node/control/commands/command.h"
#include "node/control/commands/commands.h"
#include "node/control/suggest.h"
#include "node/control/text.h"
#include "node/control/version.h"

namespace kadwire::control {
namespace {

constexpr const char* kDescription =
    "kadwire turns one shared secret into an encrypted WireGuard mesh, without a server.";

constexpr const char* kProgramExamples =
    "Begin:\n"
    "  (umask 077; kadwire init > mesh.secret)         once; copy the file to every machine\n"
    "  sudo kadwire join --secret-file mesh.secret     on every machine\n"
    "\n"
    "Look:\n"
    "  sudo kadwire status                             this node: addresses, DHT, problems\n"
    "  sudo kadwire peers list                         everybody else\n"
    "  sudo kadwire peers get alpha                    one of them, by hostname or NodeId\n"
    "  sudo kadwire ping alpha                         every path to it, with round trips\n"
    "  sudo kadwire why alpha                          why it is reached this way, or not\n"
    "  kadwire netcheck                                what this network allows; before joining, "
    "too\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 not understood. More: kadwire COMMAND --help";

/// CLI11's parser with all commands in it, and the words it did not know turned into suggestions.
class CommandLine {
 public:
  explicit CommandLine(Invocation& invocation) : invocation_(invocation) {
    app_.name("kadwire");
    app_.footer(kProgramExamples);
    app_.allow_extras();
    app_.set_help_flag("-h,--help", "Show this help");
    commands_ = make_commands(app_);
  }

  int run() {
    const std::vector<std::string> words = familiar_words(invocation_.arguments.words);
    if (words.empty()) {
      invocation_.err << app_.help();
      return kExitUsage;
    }
    try {
      std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
      app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
      invocation_.out << app_.help();
      return kExitOk;
    } catch (const CLI::ParseError& error) {
      return usage_error(error.what());
    }
    return run_parsed();
  }

 private:
  /// `--version` and `-v` are a command, but only in its place; `help X` is `X --help`.
  static std::vector<std::string> familiar_words(std::vector<std::string> words) {
    if (words.empty()) return words;
    if (words.front() == "--version" || words.front() == "-v") words.front() = "version";
    if (words.front() == "help") {
      words.erase(words.begin());
      words.emplace_back("--help");
    }
    return words;
  }

  int run_parsed() {
    const CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    if (const auto unknown = app_.remaining(true); !unknown.empty()) {
      return usage_error(why_unknown(*app, unknown.front()));
    }
    const auto command = std::ranges::find_if(
        commands_, [app](const auto& candidate) { return candidate->app() == app; });
    if (command == commands_.end()) return usage_error(why_incomplete(*app));
    return (*command)->run(invocation_);
  }

  static std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
  }

  static std::string why_unknown(const CLI::App& app, const std::string& word) {
    if (word.starts_with('-')) {
      std::vector<std::string> flags;
      for (const CLI::Option* option : visible_options(app)) flags.push_back(flag_of(*option));
      const std::string name = word.substr(0, word.find('='));
      return fmt::format("unknown option '{}'{}", printable(name), suggestion(name, flags));
    }
    const std::vector<std::string> commands = command_names(app);
    if (commands.empty()) {
      // Not echoed: it may be a secret in the wrong place.
      return fmt::format("{} does not take this many words; see: kadwire {} --help", app.get_name(),
                         path_of(app));
    }
    return fmt::format("unknown command '{}'{}", printable(word), suggestion(word, commands));
  }

  static std::string why_incomplete(const CLI::App& app) {
    return fmt::format("{} needs one of: {}", app.get_name(), fmt::join(command_names(app), ", "));
  }

  static std::string path_of(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    const bool below_root = parent != nullptr && parent->get_parent() != nullptr;
    return below_root ? path_of(*parent) + " " + app.get_name() : app.get_name();
  }

  int usage_error(std::string message) {
    return fail(invocation_, {std::move(message)}, kExitUsage);
  }

  Invocation& invocation_;
  CLI::App app_{kDescription};
  std::vector<std::unique_ptr<Command>> commands_;
};

bool wants_colour() {
  return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

}  // namespace

int run_command(Invocation& invocation) {
  return CommandLine(invocation).run();
}

int run_command_line(int argc, char** argv, Programs programs) {
  crypto::initialise();
  Invocation invocation{.out = std::cout,
                        .err = std::cerr,
                        .colour = wants_colour(),
                        .run_daemon = std::move(programs.run_daemon),
                        .arguments = take_arguments(argc, argv),
                        .environment_secret = take_environment_secret(),
                        .check_network = std::move(programs.check_network)};
  const int code = run_command(invocation);
  std::cout.flush();
  return std::cout ? code : static_cast<int>(kExitFailed);  // a full disk is not a success
}

}  // namespace kadwire::control
