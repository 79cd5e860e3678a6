#pragma once

/// The daemon's log: lines on standard error, for people or for machines.

#include <string_view>

namespace kadwire::control {

enum class LogForm {
  kText,  ///< "21:35:42.123 info    event key=value", coloured on a terminal unless NO_COLOR is set
  kJson,  ///< {"time": RFC 3339, "level": "info", "message": "event key=value"} on each line
};

/// Replaces spdlog's default logger. `level` is "debug", "info", "warn" or "error".
void start_logging(std::string_view level, LogForm form);

}  // namespace kadwire::control
