#include "rendezvous/net_check.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "rendezvous/nat_observer.h"

namespace kadwire::rendezvous {
namespace {

/// To a request in the other version, a gateway says that it does not know that version: the same
/// number in PCP (RFC 6887 §7.4) and NAT-PMP (RFC 6886 §3.5).
constexpr std::uint16_t kUnsupportedVersion = 1;
/// UPnP names ports in its requests, also where none is mapped.
constexpr std::uint64_t kUpnpRequestId = 1;

MappingProtocol protocol_of(GatewayProtocol protocol) {
  return protocol == GatewayProtocol::kPcp ? MappingProtocol::kPcp : MappingProtocol::kNatPmp;
}

MappingProtocol other_of(GatewayProtocol protocol) {
  return protocol == GatewayProtocol::kPcp ? MappingProtocol::kNatPmp : MappingProtocol::kPcp;
}

}  // namespace

bool answered(const NetReport& report, AddressFamily family) {
  return std::ranges::any_of(report.servers, [&](const StunReport& server) {
    return server.mapped && server.server.address.family() == family;
  });
}

NetCheck::NetCheck(NetSurroundings surroundings, RandomSource& random, TimePoint now)
    : surroundings_(std::move(surroundings)), random_(random), begun_(now) {
  assert(surroundings_.main_port != 0 && surroundings_.second_port != 0);
  choose_gateway();
  if (gateway_) ask_gateway(now);
}

void NetCheck::add_server(TimePoint now, StunTarget target) {
  const bool repeated = std::ranges::any_of(
      servers_, [&](const Server& server) { return server.found.server == target.server; });
  if (repeated || servers_.size() == kStunServersMax) return;
  Server& server = servers_.emplace_back();
  server.found = {.name = std::move(target.name),
                  .server = target.server,
                  .source = target.source,
                  .mapped = {},
                  .rtt = {}};
  server.begun = now;
  server.settled = !target.source;
  if (target.source) server.client.emplace(target.server, random_, now);
}

void NetCheck::note_unresolved(UnresolvedName name) {
  unresolved_.push_back(std::move(name));
}

void NetCheck::names_complete(TimePoint now) {
  names_complete_ = true;
  conclude(now);
}

void NetCheck::handle_datagram(TimePoint now, CheckSocket at, const Endpoint& from,
                               ByteView datagram) {
  if (is_hairpinned(datagram)) {
    end_hairpin(true);
  } else if (at == CheckSocket::kSecond && tell_filtering(now, from, datagram)) {
    // An answer from elsewhere has no other meaning.
  } else if (at == CheckSocket::kSecond) {
    handle_second(now, from, datagram);
  } else if (gateway_ && from == Endpoint{gateway_->address, kGatewayPort}) {
    handle_gateway(datagram);
  } else {
    const auto server = std::ranges::find_if(
        servers_, [&](const Server& each) { return each.found.server == from && each.client; });
    if (server == servers_.end()) return;
    if (!server->client->handle_datagram(now, from, datagram)) return;
    if (server->client->reachable() && !server->settled) learn(now, *server);
  }
  conclude(now);
}

void NetCheck::handle_upnp(TimePoint now, const UpnpResult& result) {
  if (!gateway_ || result.id != kUpnpRequestId) return;
  if (result.outcome) {
    settle_gateway(MappingProtocol::kUpnp, GatewayOutcome::kAnswers, result.outcome->external);
  } else {
    const bool silent = result.outcome.error() == UpnpError::kNoGateway;
    settle_gateway(MappingProtocol::kUpnp,
                   silent ? GatewayOutcome::kSilent : GatewayOutcome::kRefuses, std::nullopt);
  }
  conclude(now);
}

void NetCheck::handle_timeout(TimePoint now) {
  for (Server& server : servers_) {
    if (!server.settled) server.client->handle_timeout(now);
  }
  if (gateway_) {
    if (gateway_->requests <= kGatewayRequestsMax && now >= gateway_->due) ask_gateway(now);
    if (now >= begun_ + kUpnpLookMax) {
      settle_gateway(MappingProtocol::kUpnp, GatewayOutcome::kSilent, {});
    }
  }
  for (Filtering* filtering : {&filtering_v4_, &filtering_v6_}) {
    if (filtering->probe) filtering->probe->handle_timeout(now);
  }
  if (hairpin_is_open()) {
    hairpin_->second.handle_timeout(now);
    if (now >= hairpin_->due) hairpin_->second_mapped ? try_hairpin(now) : end_hairpin({});
  }
  settle_silent(now);
  conclude(now);
}

std::optional<TimePoint> NetCheck::next_timeout() const {
  if (finished_) return std::nullopt;
  TimePoint next = begun_ + kNetCheckMax;
  for (const Server& server : servers_) {
    if (!server.settled) {
      next = std::min({next, server.client->next_timeout(), silent_at(server)});
    }
  }
  if (gateway_ && gateway_->requests <= kGatewayRequestsMax) next = std::min(next, gateway_->due);
  if (gateway_ && !gateway_->known.back()) next = std::min(next, begun_ + kUpnpLookMax);
  for (const Filtering* filtering : {&filtering_v4_, &filtering_v6_}) {
    const auto due = filtering->probe ? filtering->probe->next_timeout() : std::nullopt;
    if (due) next = std::min(next, *due);
  }
  if (hairpin_is_open()) {
    next =
        std::min(next, hairpin_->second_mapped ? hairpin_->due : hairpin_->second.next_timeout());
  }
  return next;
}

std::optional<CheckTransmit> NetCheck::poll_transmit() {
  if (finished_) return std::nullopt;
  for (Server& server : servers_) {
    if (server.settled) continue;
    if (auto transmit = server.client->poll_transmit()) {
      return CheckTransmit{CheckSocket::kMain, std::move(*transmit)};
    }
  }
  for (Filtering* filtering : {&filtering_v4_, &filtering_v6_}) {
    auto transmit = filtering->probe ? filtering->probe->poll_transmit() : std::nullopt;
    if (transmit) return CheckTransmit{CheckSocket::kSecond, std::move(*transmit)};
  }
  if (hairpin_is_open()) {
    if (auto transmit = hairpin_->second.poll_transmit()) {
      return CheckTransmit{CheckSocket::kSecond, std::move(*transmit)};
    }
  }
  if (transmits_.empty()) return std::nullopt;
  CheckTransmit transmit = std::move(transmits_.front());
  transmits_.pop_front();
  return transmit;
}

std::optional<UpnpRequest> NetCheck::poll_upnp() {
  if (upnp_requests_.empty()) return std::nullopt;
  const UpnpRequest request = upnp_requests_.front();
  upnp_requests_.pop_front();
  return request;
}

NetReport NetCheck::report() const {
  NetReport report;
  report.addresses = surroundings_.addresses;
  report.routers = surroundings_.routers;
  for (const Server& server : servers_) report.servers.push_back(server.found);
  report.unresolved = unresolved_;
  report.ipv4 = behavior(AddressFamily::kIpv4);
  report.ipv6 = behavior(AddressFamily::kIpv6);
  if (filtering_v4_.probe) report.filtering_ipv4 = filtering_v4_.probe->result();
  if (filtering_v6_.probe) report.filtering_ipv6 = filtering_v6_.probe->result();
  if (hairpin_) report.hairpin = hairpin_->result;
  if (gateway_) {
    report.gateway = gateway_->address;
    report.gateways = gateway_->reports;
  }
  return report;
}

/// As PortMapping does: a router that shares a network with a private own address.
void NetCheck::choose_gateway() {
  for (const IpAddress& router : surroundings_.routers) {
    if (!router.is_v4()) continue;
    const auto local = std::ranges::find_if(surroundings_.addresses, [&](const LocalAddress& own) {
      return own.prefix.address.is_private() && own.prefix.contains(router) &&
             own.prefix.address != router;
    });
    if (local == surroundings_.addresses.end()) continue;
    // Of a struct inside the class, clang 14 does not know in time that it has defaults.
    Gateway& gateway = gateway_.emplace(Gateway{});
    gateway.address = router;
    gateway.own = local->prefix.address;
    random_.fill(gateway.nonce);
    for (const MappingProtocol protocol :
         {MappingProtocol::kPcp, MappingProtocol::kNatPmp, MappingProtocol::kUpnp}) {
      gateway.reports.push_back({protocol, GatewayOutcome::kSilent, std::nullopt});
    }
    gateway.known.resize(gateway.reports.size());
    upnp_requests_.push_back({.id = kUpnpRequestId,
                              .action = UpnpAction::kLook,
                              .gateway = router,
                              .own = gateway.own,
                              .internal_port = surroundings_.main_port,
                              .external_port = surroundings_.main_port});
    return;
  }
}

/// What PCP and NAT-PMP are asked leaves the gateway as it is: a mapping that never was is removed,
/// which is granted (RFC 6887 §15.1), and an address is only read.
void NetCheck::ask_gateway(TimePoint now) {
  if (gateway_->requests == kGatewayRequestsMax) {
    ++gateway_->requests;
    for (std::size_t i = 0; i < gateway_->reports.size(); ++i) {
      if (gateway_->reports[i].protocol != MappingProtocol::kUpnp) gateway_->known[i] = true;
    }
    return;
  }
  gateway_->due = now + kGatewayRtoInitial * (1 << gateway_->requests++);
  const Endpoint to{gateway_->address, kGatewayPort};
  for (std::size_t i = 0; i < gateway_->reports.size(); ++i) {
    const MappingProtocol protocol = gateway_->reports[i].protocol;
    if (gateway_->known[i] || protocol == MappingProtocol::kUpnp) continue;
    Bytes request = protocol == MappingProtocol::kPcp
                        ? encode_pcp_map({.nonce = gateway_->nonce,
                                          .own = gateway_->own,
                                          .internal_port = surroundings_.main_port})
                        : encode_natpmp_address_request();
    transmits_.push_back({CheckSocket::kMain, {to, std::move(request)}});
  }
}

void NetCheck::handle_gateway(ByteView datagram) {
  const auto answer = decode_gateway_answer(datagram);
  if (!answer) return;
  const MappingProtocol protocol = protocol_of(answer->protocol);
  if (const auto* refusal = std::get_if<GatewayRefusal>(&answer->body)) {
    const bool unknown_version = refusal->code == kUnsupportedVersion;
    settle_gateway(unknown_version ? other_of(answer->protocol) : protocol,
                   unknown_version ? GatewayOutcome::kSilent : GatewayOutcome::kRefuses,
                   std::nullopt);
  } else if (const auto* address = std::get_if<NatPmpAddressAnswer>(&answer->body)) {
    settle_gateway(protocol, GatewayOutcome::kAnswers, address->external);
  } else if (const auto* map = std::get_if<PcpMapAnswer>(&answer->body)) {
    if (map->nonce == gateway_->nonce) {
      settle_gateway(protocol, GatewayOutcome::kAnswers, std::nullopt);
    }
  }
}

void NetCheck::settle_gateway(MappingProtocol protocol, GatewayOutcome outcome,
                              const std::optional<IpAddress>& external) {
  for (std::size_t i = 0; i < gateway_->reports.size(); ++i) {
    if (gateway_->reports[i].protocol != protocol || gateway_->known[i]) continue;
    gateway_->known[i] = true;
    gateway_->reports[i].outcome = outcome;
    if (external && !external->is_unspecified()) gateway_->reports[i].external = external;
  }
}

void NetCheck::learn(TimePoint now, Server& server) {
  const Binding& binding = *server.client->binding();
  const Duration rtt = now - binding.asked_at;
  server.found.rtt = std::min(rtt, server.found.rtt.value_or(rtt));
  if (!server.found.mapped) {
    server.found.mapped = binding.mapped;
    server.first_asked = binding.asked_at;
  }
  server.settled = ++server.answers == kAnswersWanted;
  if (!server.settled) server.client->refresh_now(now);
}

void NetCheck::settle_silent(TimePoint now) {
  for (Server& server : servers_) server.settled |= now >= silent_at(server);
}

TimePoint NetCheck::silent_at(const Server& server) const {
  const AddressFamily family = server.found.server.address.family();
  const bool others_answer = std::ranges::any_of(servers_, [&](const Server& other) {
    return other.found.mapped && other.found.server.address.family() == family;
  });
  return server.begun + (others_answer ? kServerSilenceBesideOthers : kServerSilence);
}

/// The other addresses of a server that the socket sends to would prove less.
void NetCheck::look_at_filtering(TimePoint now, Filtering& filtering, AddressFamily family) {
  if (filtering.probe && (!filtering.probe->finished() || filtering.probe->offered())) return;
  const auto server = std::ranges::find_if(servers_, [&](const Server& each) {
    const Endpoint& endpoint = each.found.server;
    return each.found.mapped && endpoint.address.family() == family &&
           std::ranges::count(filtering.asked, endpoint) == 0;
  });
  if (server == servers_.end()) return;
  const Endpoint& endpoint = server->found.server;
  filtering.asked.push_back(endpoint);
  filtering.probe.emplace(endpoint, second_sent_to_, random_, now);
  second_sent_to_.push_back(endpoint.address);
}

bool NetCheck::filtering_is_open() const {
  return std::ranges::any_of(std::array{&filtering_v4_, &filtering_v6_}, [](const auto* filtering) {
    return filtering->probe && !filtering->probe->finished();
  });
}

/// A NAT with one mapping for all turns packets round or it does not; with others, the endpoint
/// that this would have to be sent to is not known.
void NetCheck::begin_hairpin(TimePoint now) {
  if (filtering_is_open()) return;  // the second socket is to send to nobody else meanwhile
  const auto server = std::ranges::find_if(servers_, [](const Server& each) {
    return each.found.mapped && each.found.server.address.is_v4();
  });
  if (server == servers_.end()) return;
  if (behavior(AddressFamily::kIpv4).mapping != MappingBehavior::kEndpointIndependent) return;
  hairpin_.emplace(Hairpin{.main_mapped = *server->found.mapped,
                           .second = BindingClient(server->found.server, random_, now),
                           .second_mapped = {},
                           .due = now + kServerSilenceBesideOthers,
                           .result = {}});
  random_.fill(hairpin_->token);
}

bool NetCheck::tell_filtering(TimePoint now, const Endpoint& from, ByteView datagram) {
  for (Filtering* filtering : {&filtering_v4_, &filtering_v6_}) {
    if (filtering->probe && filtering->probe->handle_datagram(now, from, datagram)) return true;
  }
  return false;
}

void NetCheck::handle_second(TimePoint now, const Endpoint& from, ByteView datagram) {
  if (!hairpin_is_open() || !hairpin_->second.handle_datagram(now, from, datagram)) return;
  if (hairpin_->second_mapped || !hairpin_->second.reachable()) return;
  hairpin_->second_mapped = hairpin_->second.binding()->mapped;
  try_hairpin(now);
}

/// From both sides: a filter that looks at ports lets in only what was sent to.
void NetCheck::try_hairpin(TimePoint now) {
  if (hairpin_->tries++ == kHairpinTries) return end_hairpin(false);
  hairpin_->due = now + kHairpinSpacing;
  const Bytes packet = StunWriter(StunClass::kIndication, kStunBinding, hairpin_->token).take();
  transmits_.push_back({CheckSocket::kMain, {*hairpin_->second_mapped, packet}});
  transmits_.push_back({CheckSocket::kSecond, {hairpin_->main_mapped, packet}});
}

void NetCheck::end_hairpin(std::optional<bool> result) {
  hairpin_->open = false;
  hairpin_->result = result;
}

bool NetCheck::is_hairpinned(ByteView datagram) const {
  if (!hairpin_is_open()) return false;
  const auto message = parse_stun(datagram);
  return message && message->message_class == StunClass::kIndication &&
         message->transaction == hairpin_->token;
}

void NetCheck::conclude(TimePoint now) {
  look_at_filtering(now, filtering_v4_, AddressFamily::kIpv4);
  look_at_filtering(now, filtering_v6_, AddressFamily::kIpv6);
  const bool servers_known = names_complete_ && std::ranges::all_of(servers_, &Server::settled);
  if (servers_known && !hairpin_) begin_hairpin(now);
  const bool gateway_known =
      !gateway_ || std::ranges::all_of(gateway_->known, [](bool known) { return known; });
  finished_ |= now >= begun_ + kNetCheckMax ||
               (servers_known && gateway_known && !hairpin_is_open() && !filtering_is_open());
}

NatBehavior NetCheck::behavior(AddressFamily family) const {
  std::vector<MappingObservation> observations;
  for (const Server& server : servers_) {
    const StunReport& found = server.found;
    if (!found.mapped || found.server.address.family() != family) continue;
    observations.push_back({server.first_asked,
                            {*found.source, surroundings_.main_port},
                            found.server,
                            *found.mapped,
                            Witness::kServer});
  }
  std::optional<IpAddress> external;
  if (gateway_) {
    for (const GatewayReport& report : gateway_->reports) {
      if (report.external && !external) external = report.external;
    }
  }
  return infer_nat_behavior(observations, external);
}

}  // namespace kadwire::rendezvous
