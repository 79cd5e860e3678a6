#pragma once

/// A table for a terminal: columns as wide as their widest cell, two spaces between. Pure.

#include <string>
#include <vector>

namespace kadwire::lab {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headings);
  /// As many cells as there are headings.
  void add_row(std::vector<std::string> cells);
  /// Lines that end in a newline, without trailing spaces.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;  ///< the first are the headings
};

}  // namespace kadwire::lab
