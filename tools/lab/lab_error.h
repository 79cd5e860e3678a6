#pragma once

/// The one error of the lab: a sentence for the person who runs it.

#include <string>

#include <tl/expected.hpp>

namespace kadwire::lab {

/// What could not be done, and the system's reason for it.
struct LabError {
  std::string message;
};

template <typename T>
using Expected = tl::expected<T, LabError>;

/// `what` followed by the text of the current errno.
[[nodiscard]] tl::unexpected<LabError> system_error(const std::string& what);
[[nodiscard]] tl::unexpected<LabError> lab_error(std::string message);

}  // namespace kadwire::lab
