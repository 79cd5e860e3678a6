#pragma once

/// Production's PortMapper: each errand to the UPnP gateway runs in a child process of its own, one
/// at a time, limited in time and memory. A gateway that answers never, without end, or so that its
/// parser dies, costs one child: the library that talks to it (miniupnpc) bounds nothing by itself,
/// and 1 GB was seen within 3 s. A thread could be neither ended nor limited.

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

#include "node/adapters/upnp_gateway.h"
#include "node/ports/port_mapper.h"

namespace kadwire::node {

/// Requests that wait for their turn; one more is answered with an error.
inline constexpr std::size_t kUpnpRequestsQueuedMax = 8;
/// Then a child is ended. Shorter than logic's patience (rendezvous/port_mapping.h).
inline constexpr std::chrono::seconds kUpnpErrandMax{15};
/// What a child may allocate beyond what it was born with. A gateway's description has some 10 KB.
inline constexpr std::size_t kUpnpErrandBytesMax = 16U << 20U;

class UpnpPortMapper final : public PortMapper {
 public:
  /// What the child does: blocks, and may do so for ever.
  using Errand = std::function<UpnpReply(const rendezvous::UpnpRequest& request,
                                         const std::string& known_url)>;

  /// `context` must outlive this object; everything happens on its one thread. The child talks in
  /// the network namespace of the thread that asks.
  explicit UpnpPortMapper(asio::io_context& context, Errand errand = ask_upnp_gateway,
                          std::chrono::milliseconds errand_max = kUpnpErrandMax);
  /// Ends the child that is under way.
  ~UpnpPortMapper() override;

  void start(Handler handler) override;
  void request(const rendezvous::UpnpRequest& request) override;

 private:
  struct Desk;
  std::shared_ptr<Desk> desk_;  ///< with pending completions, which end when it is closed
};

}  // namespace kadwire::node
