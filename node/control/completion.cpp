#include "node/control/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace kadwire::control {
namespace {

/// `"path") words="…";;` for each command: the body of a shell's case over what was typed so far.
std::string shell_cases(const std::vector<CommandWords>& commands) {
  std::string cases;
  for (const CommandWords& command : commands) {
    cases += fmt::format("    \"{}\") words=\"{}{}{}\";;\n", command.path,
                         fmt::join(command.commands, " "), command.commands.empty() ? "" : " ",
                         fmt::join(command.options, " "));
  }
  return cases;
}

std::string last_word(const std::string& path) {
  return path.substr(path.find_last_of(' ') + 1);
}

std::string parent_of(const std::string& path) {
  const auto space = path.find_last_of(' ');
  return space == std::string::npos ? "" : path.substr(0, space);
}

/// fish's test for "the commands typed so far are exactly these".
std::string fish_condition(const std::string& path) {
  return fmt::format("test (__kadwire_path) = '{}'", path);
}

std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char character : text) {
    if (character == '\'' || character == '\\') quoted += '\\';
    quoted += character;
  }
  return quoted + "'";
}

std::string fish_lines(const CommandWords& command) {
  std::string lines;
  const auto line = [&](const std::string& condition, const std::string& rest) {
    lines += fmt::format("complete -c kadwire -n \"{}\" {}\n", condition, rest);
  };
  if (!command.path.empty()) {
    line(fish_condition(parent_of(command.path)),
         fmt::format("-f -a {} -d {}", last_word(command.path), fish_quoted(command.description)));
  }
  for (const std::string& option : command.options) {
    line(fish_condition(command.path), fmt::format("-l {}", option.substr(2)));
  }
  return lines;
}

/// The commands' words typed so far, options left out, as "peers list".
constexpr std::string_view kBashPath =
    "  local path=\"\" word words cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
    "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "    case \" $commands \" in *\" $word \"*) path=\"${path:+$path }$word\";; esac\n"
    "  done\n";

std::string all_command_words(const std::vector<CommandWords>& commands) {
  std::string words;
  for (const CommandWords& command : commands) {
    if (!command.path.empty()) words += (words.empty() ? "" : " ") + last_word(command.path);
  }
  return words;
}

}  // namespace

std::string bash_completion(const std::vector<CommandWords>& commands) {
  return fmt::format(
      "# kadwire completion for bash; put it into /etc/bash_completion.d/kadwire\n"
      "_kadwire() {{\n"
      "  local commands=\"{}\"\n"
      "{}"
      "  case \"$path\" in\n"
      "{}"
      "    *) words=\"\";;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}}\n"
      "complete -o default -F _kadwire kadwire\n",
      all_command_words(commands), kBashPath, shell_cases(commands));
}

std::string zsh_completion(const std::vector<CommandWords>& commands) {
  // zsh runs the bash function: the words are the same, and one script is less to get wrong.
  return "#compdef kadwire\n"
         "# kadwire completion for zsh: source <(kadwire completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion(commands);
}

std::string fish_completion(const std::vector<CommandWords>& commands) {
  std::string script = fmt::format(
      "# kadwire completion for fish; put it into ~/.config/fish/completions/kadwire.fish\n"
      "function __kadwire_path\n"
      "  set -l path\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    contains -- $word {}; and set -a path $word\n"
      "  end\n"
      "  string join ' ' -- $path; or echo ''\n"
      "end\n",
      all_command_words(commands));
  for (const CommandWords& command : commands) script += fish_lines(command);
  return script;
}

}  // namespace kadwire::control
