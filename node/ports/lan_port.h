#pragma once

/// PORT: what this host says to everybody on its own links, and hears from them. Nothing of it is
/// ever passed on to another link.

#include <functional>
#include <span>
#include <string>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

class LanPort {
 public:
  /// The view is valid during the call only. The own datagrams may come back.
  using Handler = std::function<void(const Endpoint& from, ByteView datagram)>;
  virtual ~LanPort() = default;
  /// Begins to deliver; called once.
  virtual void start(Handler handler) = 0;
  /// Listens and sends on exactly these interfaces from now on; called again after every change of
  /// the network, for an interface may be another one under the same name.
  virtual void set_links(std::span<const std::string> interfaces) = 0;
  /// Once on each of them, and in each address family that it has. Best effort.
  virtual void send(ByteView datagram) = 0;
};

}  // namespace kadwire::node
