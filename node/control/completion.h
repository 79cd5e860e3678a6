#pragma once

/// Completion scripts for shells, written from the commands and options themselves. Pure.

#include <string>
#include <vector>

namespace kadwire::control {

/// One command as a shell has to know it.
struct CommandWords {
  std::string path;                   ///< "" for the program itself, "peers list"
  std::string description;            ///< one line
  std::vector<std::string> commands;  ///< what may follow
  std::vector<std::string> options;   ///< "--json"
};

[[nodiscard]] std::string bash_completion(const std::vector<CommandWords>& commands);
[[nodiscard]] std::string zsh_completion(const std::vector<CommandWords>& commands);
[[nodiscard]] std::string fish_completion(const std::vector<CommandWords>& commands);

}  // namespace kadwire::control
