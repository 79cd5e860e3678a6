#include "node/node_view.h"

namespace kadwire::node {

std::string_view to_text(PathKind path) {
  switch (path) {
    case PathKind::kNone:
      return "none";
    case PathKind::kConnecting:
      return "connecting";
    case PathKind::kDirect:
      return "direct";
    case PathKind::kRelayed:
      return "relayed";
  }
  return "none";
}

}  // namespace kadwire::node
