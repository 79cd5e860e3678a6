#pragma once

/// Gets WireGuard's listen port mapped at the home gateway, keeps the mapping and gives it back:
/// PCP (RFC 6887), NAT-PMP (RFC 6886), UPnP, in this order until one works; IPv4. Sans-IO.
/// Not here: byte layouts (gateway_message), UPnP's HTTP (an adapter), what others see
/// (nat_observer).
///
/// Whoever drives it gives it a UDP socket of any port; one bound to kGatewayAnnouncementPort also
/// hears a gateway say that it has started anew.
///
/// What a liar can do. Only datagrams from the gateway's own endpoint count, PCP's only with the
/// nonce, NAT-PMP's mapping only while one is asked for. The gateway, or who forges it on the link,
/// can name a false public endpoint as one candidate, and no private, loopback, multicast or mesh
/// address. An announcement makes us ask, at most every kAnnouncementPause.
///
/// Deviations: three requests 250 ms apart and doubled, not RFC 6886's nine nor RFC 6887's 3 s: the
/// gateway is one link away, and a connection waits for the result. Epochs decide only about
/// announcements: a renewal mends by itself what it finds lost. No announcement of a departure is
/// waited for, and no mapping of another client is ever touched.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "rendezvous/candidate.h"
#include "rendezvous/gateway_message.h"
#include "rendezvous/upnp_request.h"

namespace kadwire::rendezvous {

/// Asked for. Short, because a crash leaves the mapping behind for so long; two packets each half.
inline constexpr std::chrono::seconds kMappingLease = 20min;
/// What a gateway grants is held to these: below, it would be asked all the time (RFC 6887 §15
/// gives 120 s as the least); above, RFC 6887's 24 h.
inline constexpr std::chrono::seconds kMappingLeaseMin = 2min;
inline constexpr std::chrono::seconds kMappingLeaseMax = 24h;
/// Before a request is repeated, doubled each time; 1.75 s in all.
inline constexpr Duration kGatewayRtoInitial = 250ms;
inline constexpr int kGatewayRequestsMax = 3;
/// A search of 2 s and some exchanges over TCP with a slow box.
inline constexpr Duration kUpnpPatience = 20s;
/// Of a removal: 750 ms in all. What is not given back ends with its lease; a person waits for the
/// exit.
inline constexpr int kGatewayRemovalsMax = 2;
/// The control address is known by then, and the exit waits here too.
inline constexpr Duration kUpnpRemovalPatience = 1s;
/// Ports asked for by UPnP, the listen port first: unlike PCP it does not choose one itself.
inline constexpr int kUpnpPortsMax = 4;
/// A failed renewal is repeated after half of what is left of the lease, but not sooner.
inline constexpr Duration kRenewalRetryMin = 15s;
/// Nobody maps for us: the pause before all are asked again, doubled up to the last. Most networks
/// without a mapping never have one.
inline constexpr Duration kMappingPauseFirst = 1min;
inline constexpr Duration kMappingPauseLast = 1h;
/// Announcements are not authenticated, so one is heeded at most so often.
inline constexpr Duration kAnnouncementPause = 10s;
/// A mapping whose gateway lost it stays a candidate for so long while it is asked for again.
inline constexpr Duration kLostMappingGrace = 5s;

enum class MappingProtocol : std::uint8_t { kPcp, kNatPmp, kUpnp };
[[nodiscard]] std::string_view name_of(MappingProtocol protocol);

/// A mapping that the gateway says it holds.
struct PortMap {
  MappingProtocol protocol = MappingProtocol::kPcp;
  std::optional<IpAddress> external;  ///< as claimed; nullopt: the gateway does not say or has none
  std::uint16_t external_port = 0;
  TimePoint ends_at;
};

/// From which PCP's nonces are made, one for each gateway, own address and port. A gateway lets
/// nobody touch a mapping who does not know its nonce, not even its owner after a crash.
using MappingSecret = ByteArray<64>;

class PortMapping {
 public:
  /// `random` must outlive this object. What lies inside `mesh_networks` is never a candidate.
  /// Without a secret nonces are random, and no later run can renew what this one got.
  PortMapping(RandomSource& random, std::vector<Prefix> mesh_networks,
              const std::optional<MappingSecret>& secret = std::nullopt);

  /// The default routes' next hops, the preferred first, the host's addresses, and the port (not 0)
  /// to map. The first gateway that shares a network with a private own address is asked: a host
  /// with a public one needs no mapping. Another gateway, own address or port starts anew and gives
  /// back what the same gateway holds; if all are as they were, the mapping is renewed at once.
  void network_changed(TimePoint now, std::span<const IpAddress> gateways,
                       std::span<const LocalAddress> own, std::uint16_t port);
  /// True if the datagram came from the gateway; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram);
  void handle_upnp(TimePoint now, const UpnpResult& result);
  /// The gateway may have lost the mapping: asks at once, without forgetting it.
  void refresh_now(TimePoint now);
  /// On exit: gives the mapping back. To be waited for, within reason, until holds_nothing(); after
  /// this only network_changed starts again.
  void remove(TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: nothing pending
  [[nodiscard]] std::optional<Transmit> poll_transmit();        ///< call until nullopt
  [[nodiscard]] std::optional<UpnpRequest> poll_upnp();         ///< call until nullopt
  /// Whether candidates() or external_address() differs from when this was last asked.
  [[nodiscard]] bool poll_change();

  /// The mapping if its address can be reached from anywhere: one or none.
  [[nodiscard]] std::vector<Candidate> candidates() const;
  /// For NatObserver::note_gateway: unlike what STUN servers see, there is a NAT beyond the
  /// gateway.
  [[nodiscard]] std::optional<IpAddress> external_address() const;
  /// For people: what stands, and by which protocol.
  [[nodiscard]] const std::optional<PortMap>& mapping() const { return map_; }
  /// Nothing stands at the gateway, as far as it can be known.
  [[nodiscard]] bool holds_nothing() const { return !map_ && std::holds_alternative<Idle>(state_); }

 private:
  //  Idle ──a gateway──▶ Asking(PCP) ──no──▶ Asking(NAT-PMP) ──no──▶ Asking(UPnP) ──no──▶ Resting
  //    Asking ──granted──▶ Resting with a map ──half the lease──▶ Asking by the map's protocol
  //    Resting without a map ──pause──▶ Asking(PCP)         any ──remove──▶ Removing ──▶ Idle
  struct Idle {};
  struct Asking {
    MappingProtocol protocol;
    TimePoint due;     ///< the next request, or giving up
    int requests = 0;  ///< of UPnP: ports tried
    std::uint16_t external_port = 0;
    /// NAT-PMP answers in two parts, in any order.
    std::optional<NatPmpMapAnswer> granted{};
    std::optional<IpAddress> external{};
  };
  struct Resting {
    TimePoint until;
  };
  struct Removing {
    TimePoint due;  ///< the next request, or giving up
    int requests = 0;
  };
  struct Site {
    IpAddress gateway;
    IpAddress own;
    std::uint16_t port = 0;
    bool operator==(const Site&) const = default;
  };
  struct Findings {
    std::vector<Candidate> candidates;
    std::optional<IpAddress> external;
    bool operator==(const Findings&) const = default;
  };
  struct Epoch {
    GatewayProtocol protocol;
    std::chrono::seconds value;
    TimePoint at;
  };

  [[nodiscard]] static std::optional<Site> choose_site(std::span<const IpAddress> gateways,
                                                       std::span<const LocalAddress> own,
                                                       std::uint16_t port);
  [[nodiscard]] PcpNonce nonce_for(const Site& site);
  void start_anew(TimePoint now);
  void ask(TimePoint now, MappingProtocol protocol);
  void send_request();
  void send_removal();
  void repeat_removal(TimePoint now, Removing& removing);
  void forget_map();
  void send_upnp(UpnpAction action, std::uint16_t external_port);
  void send_to_gateway(Bytes payload);
  void repeat_or_fail(TimePoint now, Asking& asking);
  void fail(TimePoint now);
  void try_another_port(TimePoint now, Asking& asking);
  void handle_refusal(TimePoint now, GatewayProtocol protocol, const GatewayRefusal& refusal);
  void handle_pcp(TimePoint now, const PcpMapAnswer& answer);
  void handle_natpmp(TimePoint now, const NatPmpMapAnswer& answer);
  void handle_natpmp_address(TimePoint now, const NatPmpAddressAnswer& answer, bool lost);
  void finish_natpmp(TimePoint now, const Asking& asking);
  void handle_announcement(TimePoint now, GatewayProtocol protocol, bool lost);
  void grant(TimePoint now, PortMap map, std::chrono::seconds lease);
  [[nodiscard]] bool note_epoch(TimePoint now, const GatewayAnswer& answer);
  [[nodiscard]] Findings findings() const;

  RandomSource& random_;
  std::vector<Prefix> mesh_networks_;
  std::optional<MappingSecret> secret_;
  std::optional<Site> site_;
  PcpNonce nonce_{};
  std::variant<Idle, Asking, Resting, Removing> state_;
  std::optional<PortMap> map_;
  std::uint16_t external_port_wish_ =
      0;              ///< the last one had, so that peers need not learn another
  Duration pause_{};  ///< zero unless the last round of all three has failed
  std::optional<Epoch> epoch_;
  TimePoint heed_announcements_from_{};
  std::uint64_t upnp_id_ = 0;  ///< of the latest request
  std::deque<Transmit> transmits_;
  std::deque<UpnpRequest> upnp_requests_;
  Findings reported_;  ///< as of the last poll_change
};

}  // namespace kadwire::rendezvous
