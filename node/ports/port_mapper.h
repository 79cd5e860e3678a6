#pragma once

/// PORT: port mappings by UPnP (Internet Gateway Device), one request after the other.

#include <functional>

#include "rendezvous/upnp_request.h"

namespace kadwire::node {

class PortMapper {
 public:
  using Handler = std::function<void(const rendezvous::UpnpResult&)>;
  virtual ~PortMapper() = default;
  /// Each request, also to unmap, has one result, never from inside; called once.
  virtual void start(Handler handler) = 0;
  virtual void request(const rendezvous::UpnpRequest& request) = 0;
};

}  // namespace kadwire::node
