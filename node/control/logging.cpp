#include "node/control/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/control/text.h"
#include "node/control/view_json.h"

namespace kadwire::control {
namespace {

/// One JSON object a line.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(message.time);
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line =
        to_line({{"time", format_rfc3339(WallTime{time.time_since_epoch()})},
                 {"level", std::string(level.data(), level.size())},
                 {"message", std::string(message.payload.data(), message.payload.size())}});
    out.append(line);
    out.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

void start_logging(std::string_view level, LogForm form) {
  const auto colour = std::getenv("NO_COLOR") == nullptr ? spdlog::color_mode::automatic
                                                         : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(colour);
  auto logger = std::make_shared<spdlog::logger>("kadwire", std::move(sink));
  if (form == LogForm::kJson) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  }
  logger->set_level(spdlog::level::from_str(std::string(level)));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace kadwire::control
