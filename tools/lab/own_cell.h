#pragma once

/// One measurement of many: made by a worker's process (testnet/commands/worker_pool.h) in a cell
/// of its own, and what it found, out of the cell, as text. For programs that are in no cell.

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/lab/lab_error.h"
#include "tools/testnet/commands/worker_pool.h"

namespace kadwire::lab {

/// Runs `measure` in a fresh cell. A job's result: {"found"} or {"error"}, for `found_in`.
[[nodiscard]] std::string run_in_own_cell(const std::function<Expected<nlohmann::json>()>& measure);

/// What a worker's `measure` found; an error also where its process or its cell ended early.
[[nodiscard]] Expected<nlohmann::json> found_in(const testnet::JobResult& result);

}  // namespace kadwire::lab
