#pragma once

/// Rounds of `kadwire ping`, counted and put into lines. Pure: who asks the daemon, and when, is
/// the command's task.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace kadwire::control {

class PingReport {
 public:
  /// `peer`: as people call it.
  explicit PingReport(std::string peer) : peer_(std::move(peer)) {}

  /// One round, as peers.paths shows it at the round's end; the lines to print for it.
  [[nodiscard]] std::string add_round(const nlohmann::json& paths, bool colour);
  /// Sent, received, shortest, mean and longest round trip of each path.
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] nlohmann::json to_json() const;
  [[nodiscard]] bool anything_answered() const;

 private:
  struct Tally {
    std::string kind, relay;
    bool in_use = false;  ///< in the last round
    unsigned sent = 0;
    std::vector<double> rtts_ms;
  };
  std::string peer_;
  unsigned rounds_ = 0;
  std::map<std::string, Tally> paths_;  ///< by the endpoint's text
};

/// True if every path in this answer of peers.paths has one.
[[nodiscard]] bool all_answered(const nlohmann::json& paths);

}  // namespace kadwire::control
