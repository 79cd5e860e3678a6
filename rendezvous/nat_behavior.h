#pragma once

/// What kind of NAT stands between this host and the others, in the terms of RFC 4787, and the pure
/// function that infers it from what servers and members saw. A behaviour is advice for choosing
/// how to punch: where it is uncertain it says so, and it never forbids an attempt.
/// Not here: asking (nat_observer), and finding out what is let in (filtering_probe).

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// What a mapping depends on besides the socket (RFC 4787 §4.1). The numbers are the wire's.
enum class MappingBehavior : std::uint8_t {
  kUnknown = 0,
  kNone = 1,  ///< no NAT: others see the own endpoint
  kEndpointIndependent = 2,
  kAddressDependent = 3,
  kAddressAndPortDependent = 4,
  /// One of the two above. Destinations at different addresses cannot tell which; it takes one
  /// address with two ports.
  kEndpointDependent = 5,
};

/// Each destination gets a mapping of its own: what one saw is of no use to another, except for
/// guessing.
[[nodiscard]] bool depends_on_destination(MappingBehavior mapping);
/// For people: "endpoint-independent".
[[nodiscard]] std::string_view describe(MappingBehavior mapping);

/// Whose packets a NAT or firewall lets in to a port that something was sent from (RFC 4787 §5).
/// Nobody else needs to know it, so it is in no record.
enum class FilteringBehavior : std::uint8_t {
  kUnknown,
  kEndpointIndependent,      ///< everybody's
  kAddressDependent,         ///< those of addresses that were sent to
  kAddressAndPortDependent,  ///< those of endpoints that were sent to
  /// One of the first two: another port of an address that was sent to gets in. What about other
  /// addresses takes a server that has two.
  kPortIndependent,
};
/// For people: "endpoint-independent".
[[nodiscard]] std::string_view describe(FilteringBehavior filtering);
/// What an endpoint that was never sent to has got in through.
[[nodiscard]] bool lets_strangers_in(FilteringBehavior filtering);

/// 100.64.0.0/10: what a provider's NAT has inside (RFC 6598).
[[nodiscard]] bool is_carrier_space(const IpAddress& address);

/// Steps beyond this are not told from chance: of two random ports one in a thousand pairs is as
/// close.
inline constexpr int kPortStepMax = 32;

struct NatBehavior {
  MappingBehavior mapping = MappingBehavior::kUnknown;
  bool mapping_certain = false;  ///< servers decided it, and enough of them
  /// External ports are the internal ones; nullopt: unknown, or some are.
  std::optional<bool> preserves_port;
  /// Of sequential allocation: each new mapping's port is the last one's plus this; not 0, within
  /// ±kPortStepMax. Like random_ports and ports_certain only where a mapping depends on its
  /// destination.
  std::optional<std::int16_t> port_step;
  bool random_ports = false;   ///< never together with port_step
  bool ports_certain = false;  ///< servers saw three ports or more; two may be chance
  /// A further NAT that is not the site's own: what the gateway maps reaches nobody outside.
  bool carrier_grade = false;
  bool operator==(const NatBehavior&) const = default;
};

/// Whose word an observation is.
enum class Witness : std::uint8_t {
  kServer,  ///< a STUN server that the operator or the network chose
  kPeer,    ///< another member: may confirm or raise doubt, but makes nothing certain
};

/// One destination's view of this socket.
struct MappingObservation {
  /// When the packet left that first showed this mapping: orders the allocations.
  TimePoint at;
  Endpoint local;   ///< own address and port, as well as they are known
  Endpoint asked;   ///< the server or peer
  Endpoint mapped;  ///< where it saw us
  Witness witness = Witness::kServer;
};

/// Infers from observations of one socket and one family, each destination at most once.
/// `gateway`: the external address that the site's own gateway says it has (PCP, NAT-PMP, UPnP).
[[nodiscard]] NatBehavior infer_nat_behavior(std::span<const MappingObservation> observations,
                                             const std::optional<IpAddress>& gateway);

/// On the wire, for records and calls: mapping (1), flags (1), port step (2, two's complement,
/// 0 for none). Flags: 0x01 port preservation known, 0x02 ports preserved, 0x04 random ports,
/// 0x08 carrier grade, 0x10 mapping certain, 0x20 ports certain; the rest are zero.
inline constexpr std::size_t kNatBehaviorBytes = 4;
[[nodiscard]] ByteArray<kNatBehaviorBytes> encode_nat_behavior(const NatBehavior& behavior);
/// nullopt for any other length, an unknown mapping or flag, or what NatBehavior says cannot be.
[[nodiscard]] std::optional<NatBehavior> decode_nat_behavior(ByteView encoded);

}  // namespace kadwire::rendezvous
