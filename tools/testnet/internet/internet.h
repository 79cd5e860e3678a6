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
#include "tools/testnet/internet/address_plan.h"
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

/// Where a further interface of a host is plugged in.
struct InterfaceOptions {
  std::optional<GatewayId> behind{};  ///< nullopt: public addresses
  LinkModel link{};
};

struct HostOptions {
  Families families = Families::kBoth;  ///< of every interface
  std::optional<GatewayId> behind{};    ///< nullopt: public addresses
  LinkModel link{};
  std::string city{};  ///< of a public host; others are where their gateway is
  FirewallModel firewall{};
  bool udp_blocked = false;
  bool second_ipv4 = false;     ///< two IPv4 addresses on the first interface
  bool temporary_ipv6 = false;  ///< beside the stable ones (RFC 8981)
  std::optional<InterfaceOptions> other{};
  bool bridge = false;  ///< one for containers, which has the same private address on every host
};

/// One of a host's own addresses, with the length of its network's prefix.
struct HostAddress {
  Prefix prefix;
  InterfaceId interface {};
  bool temporary = false;
  bool deprecated = false;  ///< still there, but nothing new leaves from it
  bool operator==(const HostAddress&) const = default;
};

/// From which of its addresses a host sends.
struct SourceChoice {
  std::optional<IpAddress> address{};  ///< nullopt: as routing chooses
  /// It leaves by the interface that has the address, whatever the routes say.
  bool pins_interface = false;
};

/// What stands between a host and the core.
/// Of a host with several interfaces, the one that has the default route.
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

  /// The host's own addresses, of the interfaces that are up: public, or of its LAN. IPv6 behind a
  /// gateway is public too, in a /64 of the gateway's.
  [[nodiscard]] std::vector<HostAddress> addresses(HostId host) const;
  /// Whether such an address is among them.
  [[nodiscard]] bool has(HostId host, const IpAddress& address) const;
  /// The next hops of its IPv4 default routes, the preferred first, which answer on kMappingPort if
  /// they map ports. Interfaces with public addresses have none.
  [[nodiscard]] std::vector<IpAddress> gateway_addresses(HostId host) const;
  /// Sends from the host's address of the target's family and `from_port`. IPv6 and IPv4 each need
  /// an address of the host's; without one, and from one that is not the host's, the packet is
  /// dropped (kNoRoute).
  void send(HostId host, std::uint16_t from_port, const Endpoint& to, Bytes payload,
            const SourceChoice& source = {});
  /// Sends from `port` to the same port of all other hosts of its LANs, as link multicast does: no
  /// gateway passes it on, and interfaces with public addresses have no LAN.
  void send_to_lan(HostId host, std::uint16_t port, const Bytes& payload);

  // What happens to networks. All take effect at once; packets under way go on, and meet the
  // receiver's side as it then is.
  void set_up(HostId host, bool up);
  /// Forgets every mapping and filter, and announces so on its LAN if it maps ports.
  void reboot(GatewayId gateway);
  /// New public addresses, of the interface itself or, behind a gateway, of the outermost one,
  /// which loses its mappings with the old one.
  void change_addresses(HostId host, InterfaceId interface = InterfaceId::kFirst);
  /// Each interface's temporary IPv6 address is deprecated, and another is there; the one that was
  /// deprecated before is gone.
  void renew_temporary_addresses(HostId host);
  /// An interface that is down has no addresses and no routes; it gets back what it had.
  void set_interface_up(HostId host, InterfaceId interface, bool up);
  /// Plugs the host's first interface in elsewhere: it gets new addresses there.
  void move(HostId host, std::optional<GatewayId> behind, const LinkModel& link);
  /// Nothing passes between `left` and `right`, either way, until heal(number). An empty `right` is
  /// everyone who is not in `left`. Numbers are the caller's, each used once at a time.
  void cut(std::uint64_t number, std::span<const HostId> left, std::span<const HostId> right);
  void heal(std::uint64_t number);
  void set_outbound_loss(HostId host, double share);  ///< 1: all that it sends vanishes
  void set_inbound_loss(HostId host, double share);
  /// Of an interface, up or down.
  [[nodiscard]] std::optional<GatewayId> gateway(HostId host,
                                                 InterfaceId interface = InterfaceId::kFirst) const;
  /// Of all its interfaces.
  [[nodiscard]] std::vector<GatewayId> gateways(HostId host) const;

  /// The truth, for whoever checks it: would a first datagram from this host and port, sent now,
  /// reach `to`, if nothing were lost by chance? Changes nothing.
  [[nodiscard]] bool would_arrive(HostId from, std::uint16_t from_port, HostId target,
                                  const Endpoint& to) const;
  /// That, and an answer from there would leave by the interface that it came to: an answer that
  /// takes another way has a source that nobody expects there.
  [[nodiscard]] bool would_be_answered(HostId from, std::uint16_t from_port, HostId target,
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
