#pragma once

#include <string>

namespace kadwire::control {

/// Why something a person asked for could not be done: one clear sentence that says what is wrong
/// and what to do, on one line, without a full stop and without any part of a secret.
struct Failure {
  std::string message;
};

}  // namespace kadwire::control
