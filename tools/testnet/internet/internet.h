#pragma once

/// The simulated internet: hosts with addresses, access links, NATs in front of them (and carriers'
/// NATs in front of those), firewalls, and a core that only adds the distance between cities.
/// A packet is one event: everything on the sender's side is decided when it is sent, everything on
/// the receiver's side when it arrives there. Deterministic: all chance comes from the seed, and
/// each link, gateway and host draws from a source of its own.
/// Not here: what runs on the hosts (nodes/), who decides what happens (world).
///
///   host ─link─ [host firewall] ─LAN─ gateway(NAT, IPv6 firewall) ─uplink─ [outer gateway] ─ core

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/base/endpoint.h"
#include "tools/testnet/event_queue.h"
#include "tools/testnet/internet/firewall_model.h"
#include "tools/testnet/internet/link_model.h"
#include "tools/testnet/internet/mapping_model.h"
#include "tools/testnet/internet/nat_model.h"
#include "tools/testnet/internet/packet.h"

namespace kadwire::testnet {

enum class HostId : std::uint32_t {};
enum class GatewayId : std::uint32_t {};

struct GatewayOptions {
  NatModel nat{};
  FirewallModel ipv6_firewall{};
  MappingServiceModel mapping_service{};
  std::optional<GatewayId> behind{};  ///< outer gateway; nullopt: the internet
  LinkModel uplink{};                 ///< its latency is that of every host behind it
  std::string city{};                 ///< empty: nowhere in particular
};

struct HostOptions {
  Families families = Families::kBoth;
  std::optional<GatewayId> behind{};  ///< nullopt: public addresses
  LinkModel link{};
  std::string city{};  ///< of a public host; others are where their gateway is
  FirewallModel firewall{};
  bool udp_blocked = false;
};

/// What stands between a host and the core.
struct Surroundings {
  bool ipv4 = false;  ///< the host has an address of the family
  bool ipv6 = false;
  bool udp_blocked = false;        ///< by the host's network
  bool stateful_firewall = false;  ///< the host's own
  std::vector<NatModel> nats;      ///< innermost first; IPv4 passes them all
  /// Its gateway, whose address is public, maps ports for whoever asks.
  bool maps_ports = false;
  std::optional<GatewayId> outermost;
};

class Internet {
 public:
  /// A datagram reached the host. The view is valid during the call only.
  using Receiver = std::function<void(const Packet& packet)>;
  /// Sees the fate of every packet, at the moment that decides it: kNone on arrival.
  using Observer = std::function<void(HostId sender, const Packet& packet, Drop fate)>;

  /// `queue` outlives the internet.
  Internet(EventQueue& queue, std::uint64_t seed);
  ~Internet();
  void set_observer(Observer observer);

  GatewayId add_gateway(const GatewayOptions& options);
  /// Its addresses are fixed here, in the order of adding: the same calls, the same addresses.
  HostId add_host(const HostOptions& options);
  void set_receiver(HostId host, Receiver receiver);

  /// The host's own addresses with the prefix length of its network: public, or of its LAN. IPv6
  /// behind a gateway is public too, a /64 of the gateway's.
  [[nodiscard]] std::vector<Prefix> addresses(HostId host) const;
  /// The next hop of its IPv4 default route, which answers on kMappingPort if it maps ports;
  /// nullopt: the host has a public address, or no IPv4.
  [[nodiscard]] std::optional<IpAddress> gateway_address(HostId host) const;
  /// Sends from the host's address of the target's family and `from_port`. IPv6 and IPv4 each need
  /// an address of the host's; without one the packet is dropped (kNoRoute).
  void send(HostId host, std::uint16_t from_port, const Endpoint& to, Bytes payload);
  /// Sends from `port` to the same port of all other hosts of its LAN, as link multicast does: no
  /// gateway passes it on, and hosts with public addresses have no LAN.
  void send_to_lan(HostId host, std::uint16_t port, const Bytes& payload);

  // What happens to networks. All take effect at once; packets under way go on, and meet the
  // receiver's side as it then is.
  void set_up(HostId host, bool up);
  /// Forgets every mapping and filter, and announces so on its LAN if it maps ports.
  void reboot(GatewayId gateway);
  /// New public addresses, of the host itself or, behind a gateway, of the outermost one, which
  /// loses its mappings with the old one.
  void change_addresses(HostId host);
  /// Plugs the host in elsewhere: it gets new addresses there.
  void move(HostId host, std::optional<GatewayId> behind, const LinkModel& link);
  /// Nothing passes between `left` and `right`, either way, until heal(number). An empty `right` is
  /// everyone who is not in `left`. Numbers are the caller's, each used once at a time.
  void cut(std::uint64_t number, std::span<const HostId> left, std::span<const HostId> right);
  void heal(std::uint64_t number);
  void set_outbound_loss(HostId host, double share);  ///< 1: all that it sends vanishes
  void set_inbound_loss(HostId host, double share);
  [[nodiscard]] std::optional<GatewayId> gateway(HostId host) const;

  /// The truth, for whoever checks it: would a first datagram from this host and port, sent now,
  /// reach `to`, if nothing were lost by chance? Changes nothing.
  [[nodiscard]] bool would_arrive(HostId from, std::uint16_t from_port, HostId target,
                                  const Endpoint& to) const;
  [[nodiscard]] Surroundings surroundings(HostId host) const;
  /// Mappings held now by a gateway, and the most it ever held.
  [[nodiscard]] std::size_t mappings(GatewayId gateway) const;
  [[nodiscard]] std::size_t mappings_peak(GatewayId gateway) const;
  [[nodiscard]] const std::array<std::uint64_t, kDropKinds>& fates() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kadwire::testnet
