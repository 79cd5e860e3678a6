#pragma once

/// One line on stderr that changes in place while something runs; without a terminal, a line now
/// and then.

#include <string>

#include "tools/testnet/stopwatch.h"

namespace kadwire::testnet {

class LiveLine {
 public:
  LiveLine();
  /// Removes the line.
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// True if it is time for another text: making one costs more than asking.
  [[nodiscard]] bool due() const;
  void show(const std::string& text);

 private:
  bool terminal_;
  bool shown_ = false;
  Stopwatch since_last_;
};

}  // namespace kadwire::testnet
