#pragma once

/// Tells WireGuard's datagrams from what else arrives on its port. Pure.

#include "node/base/bytes.h"

namespace kadwire::node {

/// A message of WireGuard's by its first bytes: a type from 1 to 4 and three zeroes. No frame and
/// no STUN message begins so.
[[nodiscard]] bool looks_like_wireguard(ByteView datagram);

}  // namespace kadwire::node
