#pragma once

#include <memory>
#include <vector>

#include "node/control/commands/command.h"

namespace kadwire::control {

// Each declares one command, or a family of them, below `root`.
void add_init(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_join(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_netcheck(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_status(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_peers(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_ping(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_why(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_version(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);
void add_completion(CLI::App& root, std::vector<std::unique_ptr<Command>>& commands);

/// Every command there is, in the order of the help.
[[nodiscard]] std::vector<std::unique_ptr<Command>> make_commands(CLI::App& root);

}  // namespace kadwire::control
