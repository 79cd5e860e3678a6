#pragma once

/// What a scenario tells while it runs: lines with the time since its start on stderr, and on a
/// terminal one live line below them that changes in place.

#include <string>

#include "node/base/time.h"

namespace kadwire::lab {

class Progress {
 public:
  /// The clock starts now.
  Progress();
  /// Removes the live line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// The clock starts again.
  void restart();
  /// A line that stays.
  void say(const std::string& text);
  /// A line that the next one replaces; nothing without a terminal.
  void show(const std::string& text);

 private:
  [[nodiscard]] std::string stamp() const;
  void clear_live_line();
  TimePoint start_;
  bool terminal_;
  bool live_ = false;
};

}  // namespace kadwire::lab
