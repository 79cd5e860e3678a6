#pragma once

/// PORT: a STUN service on all of a host's addresses, each with the port that clients know and, if
/// it is to be had, a second one that answers can come from.

#include <functional>

#include "rendezvous/stun_responder.h"

namespace kadwire::node {

class StunPort {
 public:
  /// The view is valid during the call only.
  using Handler = std::function<void(const Endpoint& from, const rendezvous::StunHome& home,
                                     ByteView datagram)>;
  virtual ~StunPort() = default;
  /// Begins to deliver datagrams; called once.
  virtual void start(Handler handler) = 0;
  /// From that very endpoint, best effort.
  virtual void send(const rendezvous::StunReply& reply) = 0;
};

}  // namespace kadwire::node
