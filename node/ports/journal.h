#pragma once

/// PORT: lines for the operator. Production: spdlog on stderr.

#include "node/action.h"

namespace kadwire::node {

class Journal {
 public:
  virtual ~Journal() = default;
  virtual void write(const Notice& notice) = 0;
};

}  // namespace kadwire::node
