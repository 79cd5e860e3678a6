#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "node/control/commands/commands.h"
#include "node/control/completion.h"

namespace kadwire::control {
namespace {

constexpr const char* kCompletionExamples =
    "Examples:\n"
    "  kadwire completion bash | sudo tee /etc/bash_completion.d/kadwire\n"
    "  source <(kadwire completion zsh)\n"
    "  kadwire completion fish > ~/.config/fish/completions/kadwire.fish";

/// `app` and everything below it, parents first.
void collect_words(const CLI::App& app, const std::string& path, std::vector<CommandWords>& all) {
  CommandWords words{path, app.get_description(), {}, {}};
  const std::vector<const CLI::App*> below = app.get_subcommands({});
  for (const CLI::App* command : below) words.commands.push_back(command->get_name());
  for (const CLI::Option* option : visible_options(app)) words.options.push_back(flag_of(*option));
  all.push_back(std::move(words));
  for (const CLI::App* command : below) {
    collect_words(*command, path.empty() ? command->get_name() : path + " " + command->get_name(),
                  all);
  }
}

class ShellCommand final : public Command {
 public:
  using Writer = std::string (*)(const std::vector<CommandWords>&);
  ShellCommand(CLI::App& completion, const CLI::App& root, const std::string& shell, Writer writer)
      : Command(completion, shell, "Print the script for " + shell),
        root_(root),
        shell_(shell),
        writer_(writer) {}

  int run(Invocation& invocation) override {
    std::vector<CommandWords> words;
    collect_words(root_, "", words);
    const std::string script = writer_(words);
    if (json_) {
      print_json(invocation, {{"shell", shell_}, {"script", script}});
    } else {
      invocation.out << script;
    }
    return kExitOk;
  }

 private:
  const CLI::App& root_;
  std::string shell_;
  Writer writer_;
};

}  // namespace

void add_completion(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands) {
  CLI::App& completion =
      *root.add_subcommand("completion", "Print a completion script for bash, zsh or fish");
  completion.footer(kCompletionExamples);
  completion.allow_extras();
  const auto add = [&](const std::string& shell, ShellCommand::Writer writer) {
    commands.push_back(std::make_unique<ShellCommand>(completion, root, shell, writer));
  };
  add("bash", bash_completion);
  add("zsh", zsh_completion);
  add("fish", fish_completion);
}

}  // namespace kadwire::control
