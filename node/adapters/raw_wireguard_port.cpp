#include "node/adapters/raw_wireguard_port.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/posix/stream_descriptor.hpp>

#include "node/adapters/local_addresses.h"
#include "node/adapters/port_filter.h"
#include "node/adapters/raw_udp_sender.h"
#include "node/adapters/receive_loop.h"
#include "node/adapters/side_ports.h"
#include "node/adapters/udp_packet.h"
#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

SocketError cannot_open(int error) {
  if (error == EPERM) {
    return {
        "Without CAP_NET_RAW nothing can be sent beside WireGuard from its own port: every packet "
        "of the tunnels passes through the daemon, which is slower, they stand still while it is "
        "down, and side ports against strict NATs are not to be had. Run as root, or grant the "
        "capability (systemd: AmbientCapabilities=CAP_NET_RAW; else: setcap cap_net_raw+ep)."};
  }
  return {std::string("WireGuard's own port cannot be shared: ") + std::strerror(error) + "."};
}

/// A packet socket that gets what `port_filter` passes, and nothing before the filter stands: it
/// has no protocol until it is bound to one. The error is errno's value.
tl::expected<UniqueFd, int> open_packet_socket(AddressFamily family, const WatchedPorts& ports) {
  UniqueFd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || !attach_filter(fd.get(), port_filter(family, ports))) return tl::unexpected(errno);
  enlarge_receive_buffer(fd.get());
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(family == AddressFamily::kIpv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(errno);
  }
  return fd;
}

}  // namespace

/// One family's pair of sockets.
struct RawWireguardPort::Leg {
  Leg(asio::io_context& context, RawUdpSender sending, UniqueFd packets)
      : sender(std::move(sending)), arrivals(context, packets.release()) {}

  /// The error is errno's value.
  static tl::expected<std::unique_ptr<Leg>, int> open(asio::io_context& context,
                                                      AddressFamily family,
                                                      const WatchedPorts& ports);

  RawUdpSender sender;
  asio::posix::stream_descriptor arrivals;
};

tl::expected<std::unique_ptr<RawWireguardPort::Leg>, int> RawWireguardPort::Leg::open(
    asio::io_context& context, AddressFamily family, const WatchedPorts& ports) {
  auto sender = RawUdpSender::open(family);
  if (!sender) return tl::unexpected(sender.error());
  auto packets = open_packet_socket(family, ports);
  if (!packets) return tl::unexpected(packets.error());
  return std::make_unique<Leg>(context, std::move(*sender), std::move(*packets));
}

struct RawWireguardPort::Shared {
  Shared(LocalAddresses addresses, std::unique_ptr<FlowTable> table)
      : own_addresses(std::move(addresses)), flows(std::move(table)) {}
  /// False if there is no packet.
  bool receive_one(Leg& leg);
  /// nullopt: refused. The packet begins with its IP header, and is cut at the buffer's end.
  std::optional<UdpPacket> accept(const sockaddr_ll& link, std::size_t packet_bytes);
  bool send(const PortTransmit& transmit);
  void update_filters();
  void hold(SidePorts block, std::uint16_t count);
  [[nodiscard]] FlowRules rules() const;
  void update_flows();

  std::vector<std::unique_ptr<Leg>> legs;  ///< never empty, never changed
  LocalAddresses own_addresses;
  WatchedPorts ports;
  SidePorts side_ports;
  std::unique_ptr<FlowTable> flows;  ///< nullptr: no flow can be tied
  std::vector<rendezvous::FlowTie> ties;
  Handler handler;
  WireguardPortCounters counters;
  Endpoint last_sender;
  Endpoint last_arrival;  ///< where last_sender's datagram came to
  bool closed = false;
  std::array<std::byte, kPacketBytesMax> buffer;
};

bool RawWireguardPort::Shared::receive_one(Leg& leg) {
  sockaddr_ll link{};
  socklen_t link_bytes = sizeof link;
  const ssize_t size = recvfrom(leg.arrivals.native_handle(), buffer.data(), buffer.size(),
                                MSG_TRUNC, reinterpret_cast<sockaddr*>(&link), &link_bytes);
  if (size < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
  const auto packet = accept(link, static_cast<std::size_t>(size));
  if (!packet) {
    ++counters.refused;
    return true;
  }
  ++counters.received;
  last_sender = packet->from;
  last_arrival = packet->to;
  handler(packet->from, packet->to.port, packet->payload);
  return true;
}

std::optional<UdpPacket> RawWireguardPort::Shared::accept(const sockaddr_ll& link,
                                                          std::size_t packet_bytes) {
  if (packet_bytes > buffer.size()) return std::nullopt;
  const auto packet = parse_udp_packet(ByteView(buffer).first(packet_bytes));
  if (!packet) return std::nullopt;
  // The filter may have changed since this packet passed it.
  if (!ports.contains(packet->to.port)) return std::nullopt;
  const bool loopback = packet->from.address.is_loopback() || packet->to.address.is_loopback();
  if (loopback && link.sll_hatype != ARPHRD_LOOPBACK) return std::nullopt;
  if (!own_addresses.contains(packet->to.address)) return std::nullopt;
  return *packet;
}

bool RawWireguardPort::Shared::send(const PortTransmit& transmit) {
  const auto& [to, payload] = transmit.transmit;
  SendingOptions options{.from_port = transmit.from_port != 0 ? transmit.from_port : ports.listen,
                         .hop_limit = transmit.hop_limit};
  if (options.from_port == 0 || to.port == 0) return false;
  for (const auto& leg : legs) {
    if (leg->sender.family() != to.address.family()) continue;
    if (to == last_sender && options.from_port == last_arrival.port) {
      options.source = last_arrival.address;
      if (leg->sender.send(to, options, payload)) return true;
      options.source.reset();  // that address may be gone
    }
    return leg->sender.send(to, options, payload);
  }
  return false;
}

void RawWireguardPort::Shared::update_filters() {
  for (const auto& leg : legs) {
    // Only for want of memory: then the old filter stands, and `accept` keeps to `ports`.
    (void)attach_filter(leg->arrivals.native_handle(), port_filter(leg->sender.family(), ports));
  }
}

tl::expected<std::unique_ptr<RawWireguardPort>, SocketError> RawWireguardPort::open(
    asio::io_context& context, std::uint16_t listen_port, std::unique_ptr<FlowTable> flows) {
  auto addresses = LocalAddresses::open();
  if (!addresses) return tl::unexpected(SocketError{addresses.error().message});
  auto shared = std::make_shared<Shared>(std::move(*addresses), std::move(flows));
  shared->ports.listen = listen_port;
  int last_error = 0;
  for (const AddressFamily family : {AddressFamily::kIpv6, AddressFamily::kIpv4}) {
    auto leg = Leg::open(context, family, shared->ports);
    if (leg) {
      shared->legs.push_back(std::move(*leg));
    } else if (lacks_family(leg.error())) {
      last_error = leg.error();
    } else {
      return tl::unexpected(cannot_open(leg.error()));
    }
  }
  if (shared->legs.empty()) return tl::unexpected(cannot_open(last_error));
  return std::unique_ptr<RawWireguardPort>(new RawWireguardPort(std::move(shared)));
}

RawWireguardPort::RawWireguardPort(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

RawWireguardPort::~RawWireguardPort() {
  shared_->closed = true;
  shared_->flows.reset();
  for (const auto& leg : shared_->legs) {
    std::error_code ignored;
    leg->arrivals.close(ignored);
  }
}

void RawWireguardPort::start(Handler handler) {
  assert(!shared_->handler && handler);
  shared_->handler = std::move(handler);
  for (const auto& leg : shared_->legs) {
    keep_receiving(shared_, leg->arrivals,
                   [shared = shared_.get(), &leg = *leg] { return shared->receive_one(leg); });
  }
}

void RawWireguardPort::send(const PortTransmit& transmit) {
  const bool sent = shared_->send(transmit);
  ++(sent ? shared_->counters.sent : shared_->counters.send_failed);
}

void RawWireguardPort::set_listen_port(std::uint16_t port) {
  shared_->ports.listen = port;
  shared_->update_filters();
  shared_->update_flows();
}

void RawWireguardPort::set_side_ports(std::uint16_t first, std::uint16_t count) {
  assert(count <= rendezvous::kSidePorts && first + count <= 0x10000);
  shared_->side_ports = {};  // the blocks may overlap
  shared_->hold(SidePorts(first, count), count);
}

void RawWireguardPort::Shared::hold(SidePorts block, std::uint16_t count) {
  side_ports = std::move(block);
  counters.side_ports_missing = count - side_ports.held();
  ports.side_first = side_ports.first();
  ports.side_count = count;
  update_filters();
}

FlowRules RawWireguardPort::Shared::rules() const {
  return {ports.listen, ports.side_first, ports.side_count, ties};
}

void RawWireguardPort::Shared::update_flows() {
  if (!flows || ports.side_count == 0 || ports.listen == 0) return;
  if (!flows->set(rules())) ++counters.ties_failed;
}

tl::expected<std::uint16_t, std::string> RawWireguardPort::open_side_ports() {
  if (!shared_->flows) return tl::unexpected(std::string("flows cannot be tied to ports here"));
  auto block = SidePorts::find(rendezvous::kSidePorts);
  if (!block) {
    return tl::unexpected(std::string(
        "this host has no 256 free UDP ports in a row, or no 256 file descriptors to spare"));
  }
  const std::uint16_t first = block->first();
  const FlowRules untied{shared_->ports.listen, first, rendezvous::kSidePorts};
  if (auto set = shared_->flows->set(untied); !set) return tl::unexpected(set.error());
  shared_->hold(std::move(*block), rendezvous::kSidePorts);
  return first;
}

void RawWireguardPort::tie_flows(std::span<const rendezvous::FlowTie> ties) {
  shared_->ties.assign(ties.begin(), ties.end());
  shared_->update_flows();
}

bool RawWireguardPort::has_family(AddressFamily family) const {
  for (const auto& leg : shared_->legs) {
    if (leg->sender.family() == family) return true;
  }
  return false;
}

const WireguardPortCounters& RawWireguardPort::counters() const {
  return shared_->counters;
}

}  // namespace kadwire::node
