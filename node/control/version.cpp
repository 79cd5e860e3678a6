#include "node/control/version.h"

namespace kadwire::control {

std::string_view version() {
  return KADWIRE_VERSION;
}

}  // namespace kadwire::control
