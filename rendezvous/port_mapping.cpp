#include "rendezvous/port_mapping.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "crypto/checksum.h"
#include "node/base/queue.h"

namespace kadwire::rendezvous {
namespace {

/// Both RFCs' code 1: the gateway does not speak the version that it was asked in.
constexpr std::uint16_t kUnsupportedVersion = 1;
/// Ports drawn where the wanted one is taken: below the range from which hosts take their own.
constexpr std::uint16_t kDrawnPortFirst = 20000;
constexpr std::uint16_t kDrawnPortCount = 12000;

bool names_a_host(const IpAddress& address) {
  if (!address.is_v4() || !is_unicast_beyond_link(address)) return false;
  const std::uint32_t first_octet = address.v4_value() >> 24;
  return first_octet != 0 && first_octet < 240;  // "this network" and the reserved class E
}

/// RFC 6886 §3.6: the gateway's clock may run an eighth slower than ours, and 2 s are rounding. A
/// clock that runs ahead proves nothing: a host that slept finds all clocks ahead.
bool ran_backwards(std::chrono::seconds was, Duration elapsed, std::chrono::seconds is) {
  return is + 2s < was + elapsed / 8 * 7;
}

}  // namespace

std::string_view name_of(MappingProtocol protocol) {
  switch (protocol) {
    case MappingProtocol::kPcp:
      return "PCP";
    case MappingProtocol::kNatPmp:
      return "NAT-PMP";
    case MappingProtocol::kUpnp:
      break;
  }
  return "UPnP";
}

PortMapping::PortMapping(RandomSource& random, std::vector<Prefix> mesh_networks,
                         const std::optional<MappingSecret>& secret)
    : random_(random), mesh_networks_(std::move(mesh_networks)), secret_(secret) {}

void PortMapping::network_changed(TimePoint now, std::span<const IpAddress> gateways,
                                  std::span<const LocalAddress> own, std::uint16_t port) {
  assert(port != 0);
  const auto site = choose_site(gateways, own, port);
  const bool leaving = std::holds_alternative<Removing>(state_);
  if (site == site_ && !leaving && !std::holds_alternative<Idle>(state_)) return refresh_now(now);
  const bool same_gateway =
      site && site_ && site->gateway == site_->gateway && site->own == site_->own;
  if (map_ && same_gateway && !leaving) send_removal();
  map_.reset();
  epoch_.reset();
  pause_ = {};
  state_ = Idle{};
  site_ = site;
  if (!site_) return;
  external_port_wish_ = port;
  nonce_ = nonce_for(*site_);
  start_anew(now);
}

PcpNonce PortMapping::nonce_for(const Site& site) {
  PcpNonce nonce;
  if (!secret_) {
    random_.fill(nonce);
    return nonce;
  }
  ByteWriter place;
  place.raw(site.gateway.bytes()).raw(site.own.bytes()).be16(site.port);
  const crypto::Checksum hash = crypto::checksum(std::array{ByteView(*secret_), place.view()});
  std::ranges::copy_n(hash.begin(), nonce.size(), nonce.begin());
  return nonce;
}

std::optional<PortMapping::Site> PortMapping::choose_site(std::span<const IpAddress> gateways,
                                                          std::span<const LocalAddress> own,
                                                          std::uint16_t port) {
  for (const IpAddress& gateway : gateways) {
    if (!gateway.is_v4()) continue;
    const auto local = std::ranges::find_if(own, [&](const LocalAddress& candidate) {
      return candidate.prefix.address.is_private() && !candidate.tentative &&
             candidate.prefix.contains(gateway) && candidate.prefix.address != gateway;
    });
    if (local != own.end()) return Site{gateway, local->prefix.address, port};
  }
  return std::nullopt;
}

bool PortMapping::handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram) {
  if (!site_ || from != Endpoint{site_->gateway, kGatewayPort}) return false;
  const auto answer = decode_gateway_answer(datagram);
  if (!answer) return true;
  if (const auto* refusal = std::get_if<GatewayRefusal>(&answer->body)) {
    handle_refusal(now, answer->protocol, *refusal);
    return true;
  }
  const bool lost = note_epoch(now, *answer);
  if (const auto* pcp = std::get_if<PcpMapAnswer>(&answer->body)) {
    handle_pcp(now, *pcp);
  } else if (const auto* natpmp = std::get_if<NatPmpMapAnswer>(&answer->body)) {
    handle_natpmp(now, *natpmp);
  } else if (const auto* address = std::get_if<NatPmpAddressAnswer>(&answer->body)) {
    handle_natpmp_address(now, *address, lost);
  } else {
    handle_announcement(now, answer->protocol, lost);
  }
  return true;
}

void PortMapping::handle_upnp(TimePoint now, const UpnpResult& result) {
  if (result.id != upnp_id_) return;
  if (std::holds_alternative<Removing>(state_)) return forget_map();
  auto* asking = std::get_if<Asking>(&state_);
  const bool asked = asking != nullptr && asking->protocol == MappingProtocol::kUpnp;
  // A grant that comes after our patience ended is one nevertheless.
  const bool late = std::holds_alternative<Resting>(state_) && !map_;
  if (!asked && !late) return;
  if (result.outcome) {
    const UpnpGrant& granted = *result.outcome;
    grant(now, {MappingProtocol::kUpnp, granted.external, granted.external_port, {}},
          kMappingLease);
  } else if (asked && result.outcome.error() == UpnpError::kPortTaken) {
    try_another_port(now, *asking);
  } else if (asked) {
    fail(now);
  }
}

void PortMapping::refresh_now(TimePoint now) {
  if (!std::holds_alternative<Resting>(state_)) return;
  if (map_) return ask(now, map_->protocol);
  start_anew(now);
}

void PortMapping::remove(TimePoint now) {
  const bool asking = std::holds_alternative<Asking>(state_);
  if (!map_ && !asking) {
    state_ = Idle{};
    return;
  }
  if (!map_) {  // what was asked for may be granted unseen
    const auto& open = std::get<Asking>(state_);
    map_ = PortMap{open.protocol, std::nullopt, open.external_port, now};
  }
  const bool upnp = map_->protocol == MappingProtocol::kUpnp;
  state_ = Removing{now + (upnp ? kUpnpRemovalPatience : kGatewayRtoInitial), 1};
  send_removal();
}

void PortMapping::handle_timeout(TimePoint now) {
  if (const auto due = next_timeout(); !due || now < *due) return;
  if (auto* removing = std::get_if<Removing>(&state_)) return repeat_removal(now, *removing);
  if (map_ && now >= map_->ends_at) {
    map_.reset();
    return start_anew(now);
  }
  if (auto* asking = std::get_if<Asking>(&state_)) return repeat_or_fail(now, *asking);
  refresh_now(now);
}

std::optional<TimePoint> PortMapping::next_timeout() const {
  if (const auto* removing = std::get_if<Removing>(&state_)) return removing->due;
  std::optional<TimePoint> due;
  if (const auto* asking = std::get_if<Asking>(&state_)) due = asking->due;
  if (const auto* resting = std::get_if<Resting>(&state_)) due = resting->until;
  if (due && map_) due = std::min(*due, map_->ends_at);
  return due;
}

std::optional<Transmit> PortMapping::poll_transmit() {
  return take_front(transmits_);
}

std::optional<UpnpRequest> PortMapping::poll_upnp() {
  return take_front(upnp_requests_);
}

bool PortMapping::poll_change() {
  Findings found = findings();
  if (found == reported_) return false;
  reported_ = std::move(found);
  return true;
}

std::vector<Candidate> PortMapping::candidates() const {
  const auto external = external_address();
  if (!external || external->is_private() || inside_any(*external, mesh_networks_)) return {};
  return {{CandidateKind::kMapped, {*external, map_->external_port}}};
}

std::optional<IpAddress> PortMapping::external_address() const {
  if (!map_ || std::holds_alternative<Removing>(state_)) return std::nullopt;
  return map_->external;
}

void PortMapping::start_anew(TimePoint now) {
  ask(now, MappingProtocol::kPcp);
}

void PortMapping::ask(TimePoint now, MappingProtocol protocol) {
  const Duration patience = protocol == MappingProtocol::kUpnp ? kUpnpPatience : kGatewayRtoInitial;
  state_ = Asking{.protocol = protocol,
                  .due = now + patience,
                  .requests = 1,
                  .external_port = external_port_wish_};
  send_request();
}

void PortMapping::send_request() {
  const auto& asking = std::get<Asking>(state_);
  switch (asking.protocol) {
    case MappingProtocol::kPcp:
      return send_to_gateway(
          encode_pcp_map({nonce_, site_->own, site_->port, asking.external_port, kMappingLease}));
    case MappingProtocol::kNatPmp:
      send_to_gateway(encode_natpmp_address_request());
      return send_to_gateway(encode_natpmp_map(site_->port, asking.external_port, kMappingLease));
    case MappingProtocol::kUpnp:
      return send_upnp(UpnpAction::kMap, asking.external_port);
  }
}

void PortMapping::send_removal() {
  switch (map_->protocol) {
    case MappingProtocol::kPcp:
      return send_to_gateway(encode_pcp_map({nonce_, site_->own, site_->port, 0, 0s}));
    case MappingProtocol::kNatPmp:
      return send_to_gateway(encode_natpmp_map(site_->port, 0, 0s));
    case MappingProtocol::kUpnp:
      return send_upnp(UpnpAction::kUnmap, map_->external_port);
  }
}

void PortMapping::repeat_removal(TimePoint now, Removing& removing) {
  const bool last = removing.requests == kGatewayRemovalsMax;
  if (last || map_->protocol == MappingProtocol::kUpnp) return forget_map();
  removing.due = now + kGatewayRtoInitial * (1 << removing.requests++);
  send_removal();
}

void PortMapping::forget_map() {
  map_.reset();
  state_ = Idle{};
}

void PortMapping::send_upnp(UpnpAction action, std::uint16_t external_port) {
  upnp_requests_.push_back(
      {++upnp_id_, action, site_->gateway, site_->own, site_->port, external_port, kMappingLease});
}

void PortMapping::send_to_gateway(Bytes payload) {
  transmits_.push_back({{site_->gateway, kGatewayPort}, std::move(payload)});
}

void PortMapping::repeat_or_fail(TimePoint now, Asking& asking) {
  if (asking.protocol == MappingProtocol::kUpnp || asking.requests == kGatewayRequestsMax) {
    return fail(now);
  }
  asking.due = now + kGatewayRtoInitial * (1 << asking.requests++);
  send_request();
}

/// This protocol did not map. A map that stands is left in peace until the next attempt, at the
/// latest its end, when all protocols are tried; without one it is the next protocol's turn.
void PortMapping::fail(TimePoint now) {
  if (map_) {
    const Duration pause = std::max<Duration>(kRenewalRetryMin, (map_->ends_at - now) / 2);
    state_ = Resting{now + pause};
    return;
  }
  switch (std::get<Asking>(state_).protocol) {
    case MappingProtocol::kPcp:
      return ask(now, MappingProtocol::kNatPmp);
    case MappingProtocol::kNatPmp:
      return ask(now, MappingProtocol::kUpnp);
    case MappingProtocol::kUpnp:
      pause_ = std::clamp(2 * pause_, kMappingPauseFirst, kMappingPauseLast);
      state_ = Resting{now + random_between(random_, pause_ / 2, pause_)};
  }
}

void PortMapping::try_another_port(TimePoint now, Asking& asking) {
  if (asking.requests == kUpnpPortsMax) return fail(now);
  ++asking.requests;
  asking.due = now + kUpnpPatience;
  asking.external_port =
      static_cast<std::uint16_t>(kDrawnPortFirst + random_below(random_, kDrawnPortCount));
  send_request();
}

/// A refusal names no request. One that comes twice, because the request went twice, must not be
/// held against the next protocol: PCP refused by a gateway of NAT-PMP only is "version" in
/// NAT-PMP.
void PortMapping::handle_refusal(TimePoint now, GatewayProtocol protocol,
                                 const GatewayRefusal& refusal) {
  const auto* asking = std::get_if<Asking>(&state_);
  if (asking == nullptr || asking->protocol == MappingProtocol::kUpnp) return;
  const bool asked_pcp = asking->protocol == MappingProtocol::kPcp;
  const bool in_natpmp = protocol == GatewayProtocol::kNatPmp;
  const bool of_version = refusal.code == kUnsupportedVersion;
  if (asked_pcp || in_natpmp != of_version) fail(now);
}

void PortMapping::handle_pcp(TimePoint now, const PcpMapAnswer& answer) {
  if (answer.nonce != nonce_ || answer.internal_port != site_->port) return;
  if (std::holds_alternative<Removing>(state_)) {
    if (map_->protocol == MappingProtocol::kPcp && answer.lifetime == 0s) forget_map();
    return;
  }
  if (std::holds_alternative<Idle>(state_)) return;
  if (answer.lifetime == 0s || answer.external.port == 0) return;
  // Also unasked, when the gateway changes the mapping (RFC 6887 §14.2), or late.
  if (map_ && map_->protocol != MappingProtocol::kPcp) return;
  grant(now, {MappingProtocol::kPcp, answer.external.address, answer.external.port, {}},
        answer.lifetime);
}

void PortMapping::handle_natpmp(TimePoint now, const NatPmpMapAnswer& answer) {
  if (answer.internal_port != site_->port) return;
  if (std::holds_alternative<Removing>(state_)) {
    if (map_->protocol == MappingProtocol::kNatPmp && answer.lifetime == 0s) forget_map();
    return;
  }
  auto* asking = std::get_if<Asking>(&state_);
  if (asking == nullptr || asking->protocol != MappingProtocol::kNatPmp) return;
  if (answer.lifetime == 0s || answer.external_port == 0) return;
  asking->granted = answer;
  finish_natpmp(now, *asking);
}

void PortMapping::handle_natpmp_address(TimePoint now, const NatPmpAddressAnswer& answer,
                                        bool lost) {
  auto* asking = std::get_if<Asking>(&state_);
  if (asking != nullptr && asking->protocol == MappingProtocol::kNatPmp) {
    asking->external = answer.external;
    return finish_natpmp(now, *asking);
  }
  const bool moved = map_ && names_a_host(answer.external) && map_->external != answer.external;
  handle_announcement(now, GatewayProtocol::kNatPmp, lost || moved);
}

void PortMapping::finish_natpmp(TimePoint now, const Asking& asking) {
  if (!asking.granted || !asking.external) return;
  const auto lifetime = asking.granted->lifetime;
  grant(now, {MappingProtocol::kNatPmp, asking.external, asking.granted->external_port, {}},
        lifetime);
}

/// A gateway that has just started may map what it did not map before, or has lost what it did. An
/// announcement too soon after another is heeded later, not never: it may be the true one.
void PortMapping::handle_announcement(TimePoint now, GatewayProtocol protocol, bool lost) {
  auto* resting = std::get_if<Resting>(&state_);
  if (resting == nullptr) return;  // the answer that is awaited mends it
  const TimePoint heeded_at = std::max(now, heed_announcements_from_);
  if (map_) {
    const bool by_pcp = protocol == GatewayProtocol::kPcp;
    const auto concerned = by_pcp ? MappingProtocol::kPcp : MappingProtocol::kNatPmp;
    if (map_->protocol != concerned || !lost) return;
    map_->ends_at = std::min(map_->ends_at, heeded_at + kLostMappingGrace);
  }
  resting->until = std::min(resting->until, heeded_at);
  if (heeded_at > now) return;
  heed_announcements_from_ = now + kAnnouncementPause;
  refresh_now(now);
}

void PortMapping::grant(TimePoint now, PortMap map, std::chrono::seconds lease) {
  const auto held = std::clamp(lease, kMappingLeaseMin, kMappingLeaseMax);
  if (map.external && !names_a_host(*map.external)) map.external.reset();
  map.ends_at = now + held;
  external_port_wish_ = map.external_port;
  map_ = map;
  pause_ = {};
  state_ = Resting{now + held / 2};
}

/// True if the gateway has lost its mappings since its last answer.
bool PortMapping::note_epoch(TimePoint now, const GatewayAnswer& answer) {
  const bool comparable = epoch_ && epoch_->protocol == answer.protocol;
  const bool lost = comparable && ran_backwards(epoch_->value, now - epoch_->at, answer.epoch);
  epoch_ = Epoch{answer.protocol, answer.epoch, now};
  return lost;
}

PortMapping::Findings PortMapping::findings() const {
  return {candidates(), external_address()};
}

}  // namespace kadwire::rendezvous
