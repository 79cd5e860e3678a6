#include "node/control/netcheck_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "node/control/nat_json.h"
#include "node/control/text.h"

namespace kadwire::control {
namespace {

using nlohmann::json;
using node::Expectation;
using node::Finding;
using node::Prospect;
using rendezvous::NetReport;
using rendezvous::StunReport;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string rtt_text(const StunReport& server) {
  return server.rtt ? fmt::format("{:.1f} ms", milliseconds(*server.rtt)) : "-";
}

std::string describe_finding(const Finding& finding, bool colour) {
  std::string text = paint(fmt::format("{:<10}", finding.topic), Colour::kBold, colour);
  text += printable(finding.text);
  if (!finding.certain) text += paint("  (uncertain)", Colour::kYellow, colour);
  text += "\n";
  if (!finding.evidence.empty()) {
    text += paint(fmt::format("          {}", printable(finding.evidence)), Colour::kDim, colour);
    text += "\n";
  }
  return text;
}

Colour colour_of(Prospect prospect) {
  switch (prospect) {
    case Prospect::kDirect:
      return Colour::kGreen;
    case Prospect::kPerhaps:
    case Prospect::kRelayed:
      return Colour::kYellow;
    case Prospect::kNone:
      break;
  }
  return Colour::kDim;
}

std::string describe_expectation(const Expectation& expectation, bool colour) {
  std::string text = "  ";
  const std::string prospect = fmt::format("{:<8}", to_text(expectation.prospect));
  text += paint(prospect, colour_of(expectation.prospect), colour);
  text += fmt::format("  to peers {}", expectation.peers);
  if (!expectation.reason.empty()) text += fmt::format(": {}", expectation.reason);
  return text + "\n";
}

std::string describe_servers(const NetReport& report, bool colour) {
  std::vector<std::vector<Cell>> rows;
  for (const StunReport& server : report.servers) {
    const char* silence = server.source ? "no answer" : "no route";
    rows.push_back({{printable(server.name)},
                    {server.server.to_string()},
                    {rtt_text(server)},
                    {server.mapped ? server.mapped->to_string() : silence,
                     server.mapped ? Colour::kPlain : Colour::kYellow}});
  }
  for (const auto& name : report.unresolved) {
    rows.push_back({{printable(name.name)}, {"-"}, {"-"}, {"no address", Colour::kYellow}});
  }
  if (rows.empty()) return "";
  return "\n" + format_table({"STUN SERVER", "ADDRESS", "RTT", "SAW THIS HOST AT"}, rows, colour);
}

json nullable(const std::optional<Endpoint>& endpoint) {
  return endpoint ? json(endpoint->to_string()) : json(nullptr);
}
json nullable(const std::optional<IpAddress>& address) {
  return address ? json(address->to_string()) : json(nullptr);
}
json nullable(const std::optional<bool>& value) {
  return value ? json(*value) : json(nullptr);
}

json servers_json(const NetReport& report) {
  json servers = json::array();
  for (const StunReport& server : report.servers) {
    servers.push_back({{"name", server.name},
                       {"address", server.server.to_string()},
                       {"source", nullable(server.source)},
                       {"mapped", nullable(server.mapped)},
                       {"rtt_ms", server.rtt ? json(milliseconds(*server.rtt)) : json(nullptr)}});
  }
  return servers;
}

json gateway_json(const NetReport& report) {
  if (!report.gateway) return nullptr;
  json protocols = json::array();
  for (const rendezvous::GatewayReport& gateway : report.gateways) {
    const char* outcome = gateway.outcome == rendezvous::GatewayOutcome::kAnswers   ? "answers"
                          : gateway.outcome == rendezvous::GatewayOutcome::kRefuses ? "refuses"
                                                                                    : "silent";
    protocols.push_back({{"protocol", name_of(gateway.protocol)},
                         {"outcome", outcome},
                         {"external", nullable(gateway.external)}});
  }
  return {{"address", report.gateway->to_string()}, {"protocols", std::move(protocols)}};
}

json addresses_json(const NetReport& report) {
  json addresses = json::array();
  for (const rendezvous::LocalAddress& local : report.addresses) {
    if (!rendezvous::is_unicast_beyond_link(local.prefix.address)) continue;
    addresses.push_back({{"address", local.prefix.address.to_string()},
                         {"interface", local.interface},
                         {"quality", node::quality_of(local)}});
  }
  return addresses;
}

json advice_json(const node::NetworkAdvice& advice) {
  json findings = json::array();
  for (const Finding& finding : advice.findings) {
    findings.push_back({{"topic", finding.topic},
                        {"certain", finding.certain},
                        {"text", finding.text},
                        {"evidence", finding.evidence}});
  }
  json expectations = json::array();
  for (const Expectation& expectation : advice.expectations) {
    expectations.push_back({{"peers", expectation.peers},
                            {"prospect", to_text(expectation.prospect)},
                            {"reason", expectation.reason}});
  }
  return {{"findings", std::move(findings)},
          {"expectations", std::move(expectations)},
          {"changes", advice.changes}};
}

}  // namespace

std::string describe_network(const NetReport& report, const node::NetworkAdvice& advice,
                             bool colour) {
  std::string text;
  for (const Finding& finding : advice.findings) text += describe_finding(finding, colour);
  if (!advice.expectations.empty()) {
    text += "\n" + paint("Tunnels to expect", Colour::kBold, colour) + "\n";
    for (const Expectation& each : advice.expectations) text += describe_expectation(each, colour);
  }
  text += "\n" + paint("What to change", Colour::kBold, colour) + "\n";
  for (const std::string& change : advice.changes) text += fmt::format("  - {}\n", change);
  if (advice.changes.empty()) text += "  Nothing: this is as good as it gets.\n";
  return text + describe_servers(report, colour);
}

json network_json(const NetReport& report, const node::NetworkAdvice& advice) {
  json unresolved = json::array();
  for (const auto& name : report.unresolved) {
    unresolved.push_back({{"name", name.name}, {"reason", name.reason}});
  }
  json all = {{"udp", advice.udp_works},
              {"addresses", addresses_json(report)},
              {"servers", servers_json(report)},
              {"unresolved", std::move(unresolved)},
              {"nat",
               {{"ipv4", nat_json(report.ipv4, report.filtering_ipv4)},
                {"ipv6", nat_json(report.ipv6, report.filtering_ipv6)}}},
              {"hairpin", nullable(report.hairpin)},
              {"gateway", gateway_json(report)}};
  all.update(advice_json(advice));
  return all;
}

std::string describe_progress(const NetReport& so_far) {
  const auto answered = std::ranges::count_if(
      so_far.servers, [](const StunReport& server) { return server.mapped.has_value(); });
  return fmt::format("{} of {} servers answered; waiting for the rest and the gateway", answered,
                     so_far.servers.size());
}

}  // namespace kadwire::control
