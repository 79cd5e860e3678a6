#include "node/network_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace kadwire::node {
namespace {

using rendezvous::FilteringBehavior;
using rendezvous::GatewayOutcome;
using rendezvous::GatewayReport;
using rendezvous::LocalAddress;
using rendezvous::MappingBehavior;
using rendezvous::NatBehavior;
using rendezvous::NetReport;
using rendezvous::StunReport;

/// Enough to see the pattern of a NAT's ports; a line should stay a line.
constexpr std::size_t kPortsShownMax = 4;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::vector<const StunReport*> answers_of(const NetReport& report, AddressFamily family) {
  std::vector<const StunReport*> answers;
  for (const StunReport& server : report.servers) {
    if (server.mapped && server.server.address.family() == family) answers.push_back(&server);
  }
  return answers;
}

std::size_t asked_of(const NetReport& report, AddressFamily family) {
  return static_cast<std::size_t>(std::ranges::count_if(report.servers, [&](const auto& server) {
    return server.source.has_value() && server.server.address.family() == family;
  }));
}

/// Own addresses that may serve, the best first; those of one quality in the system's order.
std::vector<LocalAddress> usable_addresses(const NetReport& report, AddressFamily family) {
  std::vector<LocalAddress> usable;
  for (const rendezvous::Candidate& host : rendezvous::host_candidates(report.addresses, 1, {})) {
    if (host.endpoint.address.family() != family) continue;
    usable.push_back(*std::ranges::find_if(report.addresses, [&](const LocalAddress& address) {
      return address.prefix.address == host.endpoint.address;
    }));
  }
  return usable;
}

bool any_public(const std::vector<LocalAddress>& addresses) {
  return std::ranges::any_of(
      addresses, [](const LocalAddress& address) { return !address.prefix.address.is_private(); });
}

std::string list_addresses(const std::vector<LocalAddress>& addresses) {
  std::vector<std::string> texts;
  for (const LocalAddress& address : addresses) {
    texts.push_back(fmt::format("{} ({}, {})", address.prefix.address.to_string(),
                                address.interface, quality_of(address)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// "A saw X" for each of the servers, as far as they fit a line.
std::string what_they_saw(const std::vector<const StunReport*>& answers) {
  std::vector<std::string> texts;
  for (const StunReport* server : answers) {
    if (texts.size() == kPortsShownMax) {
      texts.push_back(fmt::format("{} more", answers.size() - kPortsShownMax));
      break;
    }
    texts.push_back(
        fmt::format("{} saw {}", server->server.to_string(), server->mapped->to_string()));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool any_server_asked(const NetReport& report) {
  return std::ranges::any_of(report.servers,
                             [](const auto& server) { return server.source.has_value(); });
}

Finding udp_that_works(const NetReport& report) {
  std::size_t answered = 0;
  const StunReport* nearest = nullptr;
  for (const StunReport& server : report.servers) {
    if (!server.mapped) continue;
    ++answered;
    if (nearest == nullptr || *server.rtt < *nearest->rtt) nearest = &server;
  }
  return {"udp", true, "UDP works",
          fmt::format("{} of {} servers answered, the nearest, {} at {}, in {:.1f} ms", answered,
                      report.servers.size(), nearest->name, nearest->server.address.to_string(),
                      milliseconds(*nearest->rtt))};
}

Finding udp_that_fails(const NetReport& report) {
  const bool has_address = !rendezvous::host_candidates(report.addresses, 1, {}).empty();
  if (!has_address) {
    return {"udp", true, "this host has no network",
            "no interface that is up has an address that others could reach"};
  }
  if (report.servers.empty()) {
    std::vector<std::string> reasons;
    for (const auto& name : report.unresolved) reasons.push_back(name.reason);
    return {"udp", false, "no server could be asked, since names do not resolve (DNS)",
            fmt::format("{}", fmt::join(reasons, "; "))};
  }
  if (!any_server_asked(report)) {
    return {"udp", true, "there is no route to the internet",
            report.routers.empty() ? "the system knows no default route and no server's network"
                                   : "the system has no route to any server"};
  }
  const IpAddress& first = report.servers.front().server.address;
  const bool several = std::ranges::any_of(
      report.servers, [&](const auto& server) { return server.server.address != first; });
  return {"udp", several,
          several ? "UDP is blocked between here and the internet"
                  : "UDP seems to be blocked, or the one server that was asked is down",
          fmt::format("none of {} servers answered within 4 s", report.servers.size())};
}

Finding describe_ipv4(const NetReport& report) {
  const auto own = usable_addresses(report, AddressFamily::kIpv4);
  const auto answers = answers_of(report, AddressFamily::kIpv4);
  if (answers.empty()) {
    if (own.empty()) return {"ipv4", true, "this host has no IPv4", "no interface has an address"};
    if (asked_of(report, AddressFamily::kIpv4) == 0) {
      return {"ipv4", false, "not known to work: no server with an IPv4 address could be asked",
              list_addresses(own)};
    }
    return {"ipv4", false, "no server answered over IPv4", list_addresses(own)};
  }
  return {
      "ipv4", true,
      fmt::format("works; seen from outside as {}", answers.front()->mapped->address.to_string()),
      list_addresses(own)};
}

Finding describe_ipv6(const NetReport& report) {
  const auto own = usable_addresses(report, AddressFamily::kIpv6);
  const auto answers = answers_of(report, AddressFamily::kIpv6);
  if (!answers.empty()) {
    const bool translated = *answers.front()->source != answers.front()->mapped->address;
    return {"ipv6", true,
            translated ? fmt::format("works, translated; seen from outside as {}",
                                     answers.front()->mapped->address.to_string())
                       : "works, without translation",
            list_addresses(own)};
  }
  if (own.empty()) {
    return {"ipv6", true, "this host has no IPv6", "no interface has a global address"};
  }
  if (!any_public(own)) {
    return {"ipv6", true, "this host has no public IPv6 address", list_addresses(own)};
  }
  if (asked_of(report, AddressFamily::kIpv6) == 0) {
    return {"ipv6", false, "not known to work: no server with an IPv6 address could be asked",
            list_addresses(own)};
  }
  return {"ipv6", true, "does not work beyond this network: no server answered over it",
          list_addresses(own)};
}

Finding describe_mapping(const NatBehavior& nat, const std::vector<const StunReport*>& answers) {
  Finding finding{"mapping", nat.mapping_certain, "", what_they_saw(answers)};
  const std::string name(describe(nat.mapping));
  switch (nat.mapping) {
    case MappingBehavior::kNone:
      finding.text = "no NAT: others see this host's own address and port";
      break;
    case MappingBehavior::kEndpointIndependent:
      finding.text = fmt::format("a NAT with one outer port for all destinations ({})", name);
      break;
    case MappingBehavior::kAddressDependent:
    case MappingBehavior::kAddressAndPortDependent:
    case MappingBehavior::kEndpointDependent:
      finding.text = fmt::format("a NAT with another outer port for each destination ({})", name);
      break;
    case MappingBehavior::kUnknown:
      finding.text = "a NAT; of what kind, one server alone cannot tell";
      break;
  }
  return finding;
}

std::optional<Finding> describe_ports(const NatBehavior& nat,
                                      const std::vector<const StunReport*>& answers) {
  if (nat.mapping == MappingBehavior::kNone) return std::nullopt;
  if (!depends_on_destination(nat.mapping)) {
    if (!nat.preserves_port) return std::nullopt;
    return Finding{"ports", true,
                   *nat.preserves_port ? "the NAT keeps the inner port where it is free"
                                       : "the NAT gives a port of its own choice",
                   ""};
  }
  std::vector<std::uint16_t> ports;
  for (const StunReport* server : answers) ports.push_back(server->mapped->port);
  Finding finding{"ports", nat.ports_certain, "",
                  fmt::format("in the order of the servers: {}", fmt::join(ports, ", "))};
  if (nat.port_step) {
    finding.text =
        fmt::format("each new destination gets the last one's port {}{}, so ports can be guessed",
                    *nat.port_step > 0 ? "plus " : "minus ", std::abs(*nat.port_step));
  } else if (nat.random_ports) {
    finding.text = "each new destination gets a random port, so ports cannot be guessed";
  } else {
    finding.text = "how the NAT chooses ports is not known";
  }
  return finding;
}

/// Whose packets come in, once something was sent from the port.
Finding describe_filtering(std::string_view topic, FilteringBehavior filtering) {
  Finding finding{topic, true, "", fmt::format("filtering is {}", describe(filtering))};
  switch (filtering) {
    case FilteringBehavior::kEndpointIndependent:
      finding.text = "packets come in from everywhere";
      break;
    case FilteringBehavior::kAddressDependent:
      finding.text = "packets come in from addresses that were sent to, and from no others";
      break;
    case FilteringBehavior::kAddressAndPortDependent:
      finding.text = "nothing but answers comes in";
      break;
    case FilteringBehavior::kPortIndependent:
      finding.text = "packets come in from any port of an address that was sent to, at least";
      break;
    case FilteringBehavior::kUnknown:
      finding.certain = false;
      finding.text = "whose packets come in is not known";
      finding.evidence = "no server answered from another port, or too many answers were lost";
      break;
  }
  return finding;
}

std::optional<IpAddress> claimed_external(const NetReport& report) {
  for (const GatewayReport& gateway : report.gateways) {
    if (gateway.external) return gateway.external;
  }
  return std::nullopt;
}

/// Carrier-grade or double NAT.
std::optional<Finding> describe_nats(const NetReport& report,
                                     const std::vector<const StunReport*>& answers) {
  const NatBehavior& nat = report.ipv4;
  if (nat.mapping == MappingBehavior::kNone) return std::nullopt;
  const std::string outside = answers.front()->mapped->address.to_string();
  const auto external = claimed_external(report);
  const IpAddress& source = *answers.front()->source;
  if (nat.carrier_grade) {
    const std::string evidence =
        rendezvous::is_carrier_space(source)
            ? fmt::format("this host's address {} is a carrier's (100.64.0.0/10)",
                          source.to_string())
            : fmt::format("the gateway says it has {}, the servers saw {}",
                          external ? external->to_string() : "another address", outside);
    return Finding{"nats", true, "a further NAT beyond the gateway (carrier-grade or double NAT)",
                   evidence};
  }
  if (external) {
    return Finding{"nats", true, "one NAT, this site's own",
                   fmt::format("the gateway says it has {}, as the servers saw", outside)};
  }
  return Finding{"nats", false, "no sign of a further NAT beyond the gateway",
                 "the gateway does not tell its outer address"};
}

std::optional<Finding> describe_hairpin(const NetReport& report) {
  if (!report.hairpin) return std::nullopt;
  return Finding{"hairpin", *report.hairpin,
                 *report.hairpin ? "hosts behind this NAT reach each other at its outer address"
                                 : "hosts behind this NAT do not reach each other at its outer "
                                   "address; kadwire uses the inner ones",
                 *report.hairpin ? "a datagram to our own outer endpoint came back in"
                                 : "no datagram to our own outer endpoint came back in"};
}

std::optional<Finding> describe_gateway(const NetReport& report) {
  if (!report.gateway) return std::nullopt;
  std::vector<std::string_view> answers, refuses, silent;
  for (const GatewayReport& gateway : report.gateways) {
    auto& list = gateway.outcome == GatewayOutcome::kAnswers   ? answers
                 : gateway.outcome == GatewayOutcome::kRefuses ? refuses
                                                               : silent;
    list.push_back(name_of(gateway.protocol));
  }
  std::string evidence = report.gateway->to_string();
  if (!answers.empty()) evidence += fmt::format(" answers {}", fmt::join(answers, ", "));
  if (!refuses.empty()) {
    evidence += fmt::format("{} refuses {}", answers.empty() ? "" : ",", fmt::join(refuses, ", "));
  }
  if (!silent.empty()) {
    const bool alone = answers.empty() && refuses.empty();
    evidence += fmt::format("{} is silent to {}", alone ? "" : ",", fmt::join(silent, ", "));
  }
  const char* text = !answers.empty()   ? "the gateway maps ports on request"
                     : !refuses.empty() ? "the gateway refuses to map ports on request"
                                        : "the gateway maps no ports on request";
  return Finding{"gateway", !answers.empty() || !refuses.empty(), text, std::move(evidence)};
}

bool maps_ports(const NetReport& report) {
  return !report.ipv4.carrier_grade &&
         std::ranges::any_of(report.gateways, [](const GatewayReport& gateway) {
           return gateway.outcome == GatewayOutcome::kAnswers;
         });
}

// What follows: the own side's kind, and for each kind of peer what becomes of a tunnel.

enum class Reach {
  kNothing,      ///< no IPv4 that works
  kUnasked,      ///< there is IPv4, and no server that could tell more
  kOpen,         ///< no NAT, or a port that the gateway maps
  kPredictable,  ///< one outer port for all
  kSequential,   ///< ports in a row
  kRandom,       ///< unpredictable, or not known to be predictable
  kUnknown,
};

Reach reach_of(const NetReport& report) {
  if (!answered(report, AddressFamily::kIpv4)) {
    const bool unasked = asked_of(report, AddressFamily::kIpv4) == 0 &&
                         !usable_addresses(report, AddressFamily::kIpv4).empty();
    return unasked ? Reach::kUnasked : Reach::kNothing;
  }
  const NatBehavior& nat = report.ipv4;
  if (nat.mapping == MappingBehavior::kNone || maps_ports(report)) return Reach::kOpen;
  if (nat.mapping == MappingBehavior::kUnknown) return Reach::kUnknown;
  if (nat.mapping == MappingBehavior::kEndpointIndependent) return Reach::kPredictable;
  return nat.port_step ? Reach::kSequential : Reach::kRandom;
}

constexpr const char* kNoIpv4 = "this host has no working IPv4";
constexpr const char* kNobodyAsked = "no server was asked over IPv4";

/// port_spray.h has the figures.
constexpr std::string_view kByChance =
    "mostly: where one side's ports are random, one of them is found by chance within seconds; "
    "until then a member relays";

Expectation with_home_nats(Reach reach) {
  constexpr std::string_view kPeers = "behind a NAT with one port for all destinations";
  switch (reach) {
    case Reach::kNothing:
      return {kPeers, Prospect::kNone, kNoIpv4};
    case Reach::kUnasked:
      return {kPeers, Prospect::kPerhaps, kNobodyAsked};
    case Reach::kOpen:
    case Reach::kPredictable:
      return {kPeers, Prospect::kDirect, ""};
    case Reach::kSequential:
      return {kPeers, Prospect::kDirect,
              "mostly: this side's ports follow in a row and are guessed"};
    case Reach::kRandom:
      return {kPeers, Prospect::kDirect, std::string(kByChance)};
    case Reach::kUnknown:
      break;
  }
  return {kPeers, Prospect::kPerhaps, "this side's NAT is of unknown kind"};
}

Expectation with_strict_nats(Reach reach) {
  constexpr std::string_view kPeers = "behind a NAT with another port for each destination";
  switch (reach) {
    case Reach::kNothing:
      return {kPeers, Prospect::kNone, kNoIpv4};
    case Reach::kUnasked:
      return {kPeers, Prospect::kPerhaps, kNobodyAsked};
    case Reach::kOpen:
      return {kPeers, Prospect::kDirect, "unless a firewall here keeps UDP from outside away"};
    case Reach::kPredictable:
      return {kPeers, Prospect::kDirect, std::string(kByChance)};
    case Reach::kSequential:
      return {kPeers, Prospect::kPerhaps,
              "direct where their ports follow in a row too, relayed where they are random"};
    case Reach::kRandom:
      return {kPeers, Prospect::kRelayed, "neither side can know where to send"};
    case Reach::kUnknown:
      break;
  }
  return {kPeers, Prospect::kPerhaps, "this side's NAT is of unknown kind"};
}

Expectation with_public_ipv4(Reach reach) {
  constexpr std::string_view kPeers = "with a public IPv4 address";
  if (reach == Reach::kNothing) return {kPeers, Prospect::kNone, kNoIpv4};
  if (reach == Reach::kUnasked) return {kPeers, Prospect::kPerhaps, kNobodyAsked};
  return {kPeers, Prospect::kDirect, ""};
}

/// There is a public address, and no server that could tell more.
bool ipv6_unasked(const NetReport& report) {
  return asked_of(report, AddressFamily::kIpv6) == 0 &&
         any_public(usable_addresses(report, AddressFamily::kIpv6));
}

Expectation with_ipv6(const NetReport& report) {
  constexpr std::string_view kPeers = "with IPv6";
  if (answered(report, AddressFamily::kIpv6)) return {kPeers, Prospect::kDirect, ""};
  if (ipv6_unasked(report)) return {kPeers, Prospect::kPerhaps, "no server was asked over IPv6"};
  return {kPeers, Prospect::kNone, "this host has no working IPv6; their IPv4 decides"};
}

std::vector<Expectation> expect(const NetReport& report) {
  const Reach reach = reach_of(report);
  return {with_public_ipv4(reach), with_ipv6(report), with_home_nats(reach),
          with_strict_nats(reach)};
}

std::vector<std::string> changes_without_udp(const NetReport& report) {
  if (!any_server_asked(report)) {
    return {
        "Connect this host to a network; if it is connected, see `ip address`, `ip route` and "
        "the name server's settings."};
  }
  return {
      "Let UDP out, and the answers in: in this host's firewall, at the gateway, or by asking "
      "whoever runs this network. kadwire and WireGuard have nothing else to travel by.",
      "If only these servers are out of reach, name others with --stun HOST:PORT."};
}

std::string forwarding_change(const NetReport& report) {
  if (report.ipv4.carrier_grade) {
    return "Forwarding a port at the gateway does not help: a further NAT stands beyond it. Ask "
           "the "
           "provider for a public IPv4 address, or for IPv6.";
  }
  return "Switch on PCP, NAT-PMP or UPnP at the gateway, or let it forward UDP 51820 to this host "
         "and join with --endpoint OUTER-ADDRESS:51820: then every peer reaches it.";
}

std::vector<std::string> changes_of(const NetReport& report) {
  std::vector<std::string> changes;
  const Reach reach = reach_of(report);
  if (reach == Reach::kSequential || reach == Reach::kRandom || reach == Reach::kUnknown) {
    changes.push_back(forwarding_change(report));
  }
  const bool nat_known =
      reach == Reach::kNothing || (reach != Reach::kUnknown && report.ipv4.mapping_certain);
  if (!nat_known) {
    changes.emplace_back(
        "To learn more about the NAT, name two servers at different addresses: --stun A --stun B.");
  }
  if (!answered(report, AddressFamily::kIpv6) && !ipv6_unasked(report)) {
    changes.emplace_back(
        "Switch on IPv6 here and at the gateway, or ask the provider for it: two sides with IPv6 "
        "need no luck with NATs.");
  }
  if (reach == Reach::kRandom || reach == Reach::kSequential) {
    changes.emplace_back(
        "Have one member with a public address (a small server will do): it relays between those "
        "that cannot meet, and cannot read what it relays.");
  }
  return changes;
}

}  // namespace

std::string_view to_text(Prospect prospect) {
  switch (prospect) {
    case Prospect::kDirect:
      return "direct";
    case Prospect::kPerhaps:
      return "perhaps";
    case Prospect::kRelayed:
      return "relayed";
    case Prospect::kNone:
      break;
  }
  return "none";
}

std::string_view quality_of(const LocalAddress& local) {
  if (local.tentative) return "tentative";
  if (local.deprecated) return "deprecated";
  if (local.bridge) return "bridge";
  if (rendezvous::is_carrier_space(local.prefix.address)) return "carrier's";
  if (local.prefix.address.is_private()) return "private";
  return local.temporary ? "temporary" : "global";
}

NetworkAdvice advise(const NetReport& report) {
  NetworkAdvice advice;
  advice.udp_works =
      answered(report, AddressFamily::kIpv4) || answered(report, AddressFamily::kIpv6);
  const auto add = [&](std::optional<Finding> finding) {
    if (finding) advice.findings.push_back(*std::move(finding));
  };
  add(advice.udp_works ? udp_that_works(report) : udp_that_fails(report));
  add(describe_ipv4(report));
  add(describe_ipv6(report));
  if (const auto answers = answers_of(report, AddressFamily::kIpv4); !answers.empty()) {
    add(describe_mapping(report.ipv4, answers));
    add(describe_ports(report.ipv4, answers));
    add(describe_filtering("filter-v4", report.filtering_ipv4));
    add(describe_nats(report, answers));
  }
  if (answered(report, AddressFamily::kIpv6)) {
    add(describe_filtering("filter-v6", report.filtering_ipv6));
  }
  add(describe_hairpin(report));
  add(describe_gateway(report));
  if (advice.udp_works) advice.expectations = expect(report);
  advice.changes = advice.udp_works ? changes_of(report) : changes_without_udp(report);
  return advice;
}

}  // namespace kadwire::node
