#pragma once

/// A text file that was put into the program when it was built (cmake/EmbedText.cmake).

#include <span>
#include <string_view>

namespace kadwire::testnet {

struct EmbeddedText {
  std::string_view name;  ///< of the file, without its folder: "report.css"
  std::string_view text;
};

}  // namespace kadwire::testnet
