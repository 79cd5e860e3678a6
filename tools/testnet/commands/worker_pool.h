#pragma once

/// Runs independent jobs in child processes, as many at once as there are cores: a world owns its
/// process's clocks, and a job that crashes takes no other with it. Each child is a fork of this
/// process as it is now, so a job's outcome does not depend on which came before it.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace kadwire::testnet {

/// What a job printed, or how its process ended.
using JobResult = tl::expected<std::string, std::string>;
/// Runs in a child; what it returns is carried to the parent.
using Job = std::function<std::string(std::size_t number)>;
/// False: start no more jobs, and end those under way.
using JobProgress = std::function<bool(std::size_t done)>;

/// As many as the machine has cores.
[[nodiscard]] std::size_t workers_default();

/// Blocks until all jobs (0 to `count` - 1) are done; results in their order. nullopt: `progress`
/// said to stop before that one was done. It is asked a few times a second. A child hears no
/// Ctrl-C nor SIGTERM: what comes of one is the parent's decision. The process must have one
/// thread.
[[nodiscard]] std::vector<std::optional<JobResult>> run_jobs(std::size_t count, std::size_t workers,
                                                             const Job& job,
                                                             const JobProgress& progress);

}  // namespace kadwire::testnet
