#pragma once

#include <string_view>

namespace kadwire::control {

/// The version of this build, as in the project's CMakeLists.txt: "0.1.0".
[[nodiscard]] std::string_view version();

}  // namespace kadwire::control
