#include "node/adapters/proxied_wireguard.h"

#include <utility>

#include "node/adapters/wireguard_datagram.h"

namespace kadwire::node {

OwnPort::OwnPort(std::unique_ptr<AsioDatagramSocket> socket, LoopbackFlows& flows)
    : socket_(std::move(socket)), flows_(flows) {}

void OwnPort::start(Handler handler) {
  socket_->start([this, handler = std::move(handler)](const Endpoint& from, ByteView datagram) {
    if (looks_like_wireguard(datagram)) return flows_.deliver(from, datagram);
    handler(from, local_port(), datagram);
  });
}

void OwnPort::send(const PortTransmit& transmit) {
  if (transmit.from_port == 0) socket_->send(transmit.transmit);
}

void OwnPort::carry(const Endpoint& to, ByteView datagram) {
  socket_->send({to, Bytes(datagram.begin(), datagram.end())});
}

tl::expected<std::uint16_t, std::string> OwnPort::open_side_ports() {
  return tl::unexpected(std::string("flows cannot be tied to ports without raw sockets"));
}

ProxiedDevice::ProxiedDevice(WireguardDevice& device, LoopbackFlows& flows, std::uint16_t port)
    : device_(device), flows_(flows), port_(port) {
  flows_.set_wireguard_port(device.listen_port());
}

void ProxiedDevice::start(Handler handler) {
  device_.start([this, handler = std::move(handler)](DeviceEvent event) {
    handler(translate(std::move(event)));
  });
}

DeviceEvent ProxiedDevice::translate(DeviceEvent event) {
  if (auto* ready = std::get_if<DeviceReady>(&event)) {
    flows_.set_wireguard_port(std::exchange(ready->listen_port, port_));
  } else if (auto* snapshot = std::get_if<DeviceSnapshot>(&event)) {
    for (PeerStatus& peer : snapshot->peers) {
      if (peer.endpoint) peer.endpoint = flows_.outside(peer.key, *peer.endpoint);
    }
  }
  return event;
}

void ProxiedDevice::apply(std::vector<PeerChange> changes) {
  const auto turn_inwards = [this](PeerConfig& config) {
    if (config.endpoint) config.endpoint = flows_.inside(config.key, *config.endpoint);
  };
  for (PeerChange& change : changes) {
    if (auto* set = std::get_if<SetPeer>(&change)) turn_inwards(set->config);
    if (auto* renew = std::get_if<RenewPeer>(&change)) turn_inwards(renew->config);
    if (const auto* remove = std::get_if<RemovePeer>(&change)) flows_.forget(remove->key);
  }
  device_.apply(std::move(changes));
}

void ProxiedDevice::set_addresses(std::vector<Prefix> addresses) {
  device_.set_addresses(std::move(addresses));
}

}  // namespace kadwire::node
