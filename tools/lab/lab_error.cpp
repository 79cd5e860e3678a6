#include "tools/lab/lab_error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace kadwire::lab {

tl::unexpected<LabError> system_error(const std::string& what) {
  return lab_error(what + ": " + std::strerror(errno));
}

tl::unexpected<LabError> lab_error(std::string message) {
  return tl::unexpected<LabError>(LabError{std::move(message)});
}

}  // namespace kadwire::lab
