#include "tools/testnet/scenario/sections.h"

namespace kadwire::testnet {
namespace {

/// One that lasts longer is not worth simulating, a shorter one would be over before it began.
constexpr Duration kUntilMin = 1s;
constexpr Duration kJitterMax = 1s;
/// As real NATs do (RFC 4787 REQ-5 asks for two minutes at least).
constexpr Duration kNatExpiryMin = 5s;
constexpr Duration kNatExpiryMax = 10min;
constexpr Duration kFirewallExpiryMax = 24h;
/// RFC 8981 has a day; one for every few packets would be another address for each.
constexpr Duration kTemporaryAddressMin = 10s;
constexpr Duration kMappingLeaseMax = 24h;    ///< RFC 6887 §15
constexpr std::size_t kHostsPerNatMax = 200;  ///< a home network's /24 holds no more
constexpr std::size_t kSubscribersMax = 4096;
constexpr std::size_t kMappingsMax = 65'536;  ///< a NAT has one address, and it no more ports
/// IPv4 asks for 68, but then nothing of kadwire's would fit.
constexpr std::size_t kMtuMin = 576;
constexpr std::size_t kMtuMax = 65'535;
/// A bad quartz is wrong by 100; this is a broken clock.
constexpr double kClockDriftMax = 100'000;
/// Faster would be an event at nearly every moment.
constexpr Duration kRepeatMin = 100ms;
/// The same, for every pair: a second of simulation would not end.
constexpr Duration kPingMin = 1ms;

constexpr auto kDependences = std::to_array<std::pair<const char*, Dependence>>({
    {"endpoint-independent", Dependence::kEndpointIndependent},
    {"address-dependent", Dependence::kAddressDependent},
    {"address-and-port-dependent", Dependence::kAddressAndPortDependent},
});

Reader<Dependence> dependence() {
  return one_of<Dependence>({kDependences.begin(), kDependences.end()});
}

Reader<PortAllocation> port_allocation() {
  return one_of<PortAllocation>({
      {"preserving", PortAllocation::kPreserving},
      {"preserving-overload", PortAllocation::kPreservingOverload},
      {"sequential", PortAllocation::kSequential},
      {"random", PortAllocation::kRandom},
      {"parity", PortAllocation::kParity},
  });
}

/// Whole numbers again, as the member's type has them.
template <typename T>
Reader<T> whole_as(std::size_t low, std::size_t high) {
  return [read = whole_between(low, high)](const toml::node& node) -> Parsed<T> {
    return read(node).map([](std::size_t number) { return static_cast<T>(number); });
  };
}

/// Nothing, or a duration that is not too short.
Reader<Duration> none_or_between(Duration low, Duration high) {
  return [read = duration_between(0s, high), low, high](const toml::node& node) {
    Parsed<Duration> duration = read(node);
    if (!duration || *duration == Duration{0} || *duration >= low) return duration;
    return Parsed<Duration>(
        tl::unexpected(fmt::format("{} is too short; {} to {}, or 0", format_duration(*duration),
                                   format_duration(low), format_duration(high))));
  };
}

/// Bytes, as a rate.
Reader<double> bytes_per_second() {
  return [read = size_between(0, kSizeMax)](const toml::node& node) -> Parsed<double> {
    return read(node).map([](std::size_t bytes) { return static_cast<double>(bytes); });
  };
}

Reader<NatModel> nat_kind() {
  std::vector<std::pair<std::string, NatModel>> kinds;
  for (const NatKind& kind : nat_kinds()) kinds.emplace_back(kind.name, kind.model);
  return one_of(std::move(kinds));
}

Reader<bool> firewall() {
  return one_of<bool>({{"none", false}, {"stateful", true}});
}

Reader<MappingProtocols> mapping_protocols() {
  return one_of<MappingProtocols>({{"none", MappingProtocols::kNone},
                                   {"nat-pmp", MappingProtocols::kNatPmp},
                                   {"pcp", MappingProtocols::kPcp},
                                   {"both", MappingProtocols::kBoth}});
}

Reader<Role> role() {
  std::vector<std::pair<std::string, Role>> roles;
  for (const Role each : all_roles()) roles.emplace_back(to_text(each), each);
  return one_of(std::move(roles));
}

Reader<EventKind> event_kind() {
  std::vector<std::pair<std::string, EventKind>> kinds;
  for (const EventKind each : all_event_kinds()) kinds.emplace_back(to_text(each), each);
  return one_of(std::move(kinds));
}

/// A name that scenario_checks looks up; "none" is the empty one.
Reader<std::string> nat_name() {
  return [](const toml::node& node) -> Parsed<std::string> {
    auto name = line_of_text()(node);
    if (name && *name == kNoNat) name->clear();
    return name;
  };
}

std::optional<WallTime> to_wall_time(const toml::date_time& when) {
  if (!when.offset) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(when.date.year),
                                        std::chrono::month(when.date.month),
                                        std::chrono::day(when.date.day)};
  const std::chrono::seconds of_day = std::chrono::hours(when.time.hour) +
                                      std::chrono::minutes(when.time.minute) +
                                      std::chrono::seconds(when.time.second);
  return WallTime{std::chrono::sys_days(day) + of_day - std::chrono::minutes(when.offset->minutes)};
}

/// A date and time as TOML has it, with or without quotes.
Reader<WallTime> wall_time() {
  return [](const toml::node& node) -> Parsed<WallTime> {
    constexpr auto kWanted = "needs a date and time with a zone, as 2026-01-01T00:20:00Z";
    std::optional<toml::date_time> when = node.value_exact<toml::date_time>();
    if (const auto text = node.value_exact<std::string>(); text && text->size() < kValueBytesMax) {
      const toml::parse_result parsed = toml::parse("value = " + *text);
      if (parsed && parsed.table().size() == 1) {
        when = parsed.table()["value"].value_exact<toml::date_time>();
      }
    }
    const auto wall = when ? to_wall_time(*when) : std::nullopt;
    if (!wall) return tl::unexpected<std::string>(kWanted);
    // Between these years no clock of the code under test overflows.
    if (when->date.year < 2000 || when->date.year > 2100) {
      return tl::unexpected<std::string>("needs a year from 2000 to 2100");
    }
    return *wall;
  };
}

}  // namespace

LinkModel default_link() {
  LinkModel link;
  link.latency.low = 10ms;
  return link;
}

const Fields<Scenario>& scenario_fields() {
  static const Fields<Scenario> fields = {
      field("summary", &Scenario::summary, line_of_text()),
      field("until", &Scenario::until, duration_between(kUntilMin, kDurationMax)),
      field("starts_at", &Scenario::wall_start, wall_time()),
      field("sample_every", &Scenario::sample_every, duration_between(100ms, 24h)),
  };
  return fields;
}

const Fields<Scenario>& ping_fields() {
  static const Fields<Scenario> fields = {
      field("every", &Scenario::ping_every, none_or_between(kPingMin, 24h)),
      field("peers", &Scenario::ping_peers_max, whole_between(1, kNodesMax)),
      field("early", &Scenario::ping_early, flag()),
  };
  return fields;
}

const Fields<LinkModel>& link_fields() {
  static const Fields<LinkModel> fields = {
      field("latency", &LinkModel::latency, text_as(parse_latency)),
      field("jitter", &LinkModel::jitter, duration_between(0s, kJitterMax)),
      field("loss", &LinkModel::loss, share()),
      table_field("burst", &LinkModel::bursts, burst_fields()),
      field("duplicate", &LinkModel::duplicate, share()),
      field("reorder", &LinkModel::reorder, share()),
      field("reorder_by", &LinkModel::reorder_by, duration_between(0s, kLatencyMax)),
      field("bandwidth", &LinkModel::bits_per_second, text_as(parse_bit_rate)),
      field("queue", &LinkModel::queue_bytes, size_between(kMtuMin, kSizeMax)),
      field("mtu", &LinkModel::mtu_bytes, size_between(kMtuMin, kMtuMax)),
      field("mtu_told", &LinkModel::mtu_told, flag()),
  };
  return fields;
}

const Fields<BurstModel>& burst_fields() {
  static const Fields<BurstModel> fields = {
      field("enter", &BurstModel::enter, share()),
      field("leave", &BurstModel::leave, share()),
      field("loss", &BurstModel::loss, share()),
  };
  return fields;
}

const Fields<GatewayModel>& gateway_fields() {
  static const Fields<GatewayModel> fields = {
      // The kind comes first: the others change it.
      field("kind", &GatewayModel::nat, nat_kind()),
      field("mapping", &GatewayModel::nat, &NatModel::mapping, dependence()),
      field("filtering", &GatewayModel::nat, &NatModel::filtering, dependence()),
      field("ports", &GatewayModel::nat, &NatModel::allocation, port_allocation()),
      field("step", &GatewayModel::nat, &NatModel::step, whole_as<std::uint16_t>(1, 1000)),
      field("expiry", &GatewayModel::nat, &NatModel::expiry,
            duration_between(kNatExpiryMin, kNatExpiryMax)),
      field("refresh", &GatewayModel::nat, &NatModel::refresh,
            one_of<Refresh>({{"outbound", Refresh::kOutbound}, {"both", Refresh::kBoth}})),
      field("hairpin", &GatewayModel::nat, &NatModel::hairpin, flag()),
      field("mappings", &GatewayModel::nat, &NatModel::mappings_max,
            whole_between(1, kMappingsMax)),
      field("blocks_udp", &GatewayModel::nat, &NatModel::blocks_udp, flag()),
      field("mapping_protocol", &GatewayModel::mapping, &MappingServiceModel::protocols,
            mapping_protocols()),
      field("mapping_lease", &GatewayModel::mapping, &MappingServiceModel::lease_max,
            duration_between(kMappingLeaseMin, kMappingLeaseMax)),
      field("mapping_refused", &GatewayModel::mapping, &MappingServiceModel::refuses, flag()),
      field("behind", &GatewayModel::behind, line_of_text()),
      field("subscribers", &GatewayModel::subscribers, whole_between(1, kSubscribersMax)),
      field("ipv6_firewall", &GatewayModel::ipv6_firewall, &FirewallModel::stateful, firewall()),
      field("ipv6_firewall_expiry", &GatewayModel::ipv6_firewall, &FirewallModel::expiry,
            duration_between(kNatExpiryMin, kFirewallExpiryMax)),
  };
  return fields;
}

const Fields<Group>& group_fields() {
  static const Fields<Group> fields = {
      field("role", &Group::role, role()),
      field("count", &Group::count, whole_between(0, kNodesMax)),
      field("scales", &Group::scales, flag()),
      field("families", &Group::families,
            one_of<Families>(
                {{"both", Families::kBoth}, {"ipv4", Families::kIpv4}, {"ipv6", Families::kIpv6}})),
      field("second_ipv4", &Group::second_ipv4, flag()),
      field("temporary_ipv6", &Group::temporary_ipv6,
            none_or_between(kTemporaryAddressMin, kDurationMax)),
      field("nat", &Group::nat, nat_name()),
      field("per_nat", &Group::per_nat, whole_between(1, kHostsPerNatMax)),
      field("link", &Group::link, line_of_text()),
      field("other_nat", &Group::other_nat, nat_name()),
      field("other_link", &Group::other_link, line_of_text()),
      field("other_up", &Group::other_up, flag()),
      field("bridge", &Group::bridge, flag()),
      field("firewall", &Group::firewall, &FirewallModel::stateful, firewall()),
      field("firewall_expiry", &Group::firewall, &FirewallModel::expiry,
            duration_between(kNatExpiryMin, kFirewallExpiryMax)),
      field("udp_blocked", &Group::udp_blocked, flag()),
      field("cities", &Group::cities, list_of_texts()),
      field("start", &Group::start, range_between(0s, kDurationMax)),
      field("starts", &Group::starts, flag()),
      field("clock_offset", &Group::clock_offset, range_between(-kDurationMax, kDurationMax)),
      field("clock_drift_ppm", &Group::clock_drift_ppm,
            number_between(-kClockDriftMax, kClockDriftMax)),
      field("announces", &Group::announces, flag()),
      field("mailbox", &Group::mailbox, flag()),
      field("lan", &Group::lan, flag()),
      field("force_relay", &Group::force_relay, flag()),
  };
  return fields;
}

const Fields<ScenarioEvent>& event_fields() {
  static const Fields<ScenarioEvent> fields = {
      field("do", &ScenarioEvent::kind, event_kind()),
      field("who", &ScenarioEvent::who, text_as(parse_selector)),
      field("at", &ScenarioEvent::at, duration_between(0s, kDurationMax)),
      field("every", &ScenarioEvent::every, duration_between(kRepeatMin, kDurationMax)),
      field("until", &ScenarioEvent::until, duration_between(0s, kDurationMax)),
      field("lasting", &ScenarioEvent::lasting, duration_between(1ms, kDurationMax)),
      field("from", &ScenarioEvent::from, text_as(parse_selector)),
      field("share", &ScenarioEvent::share, share()),
      field("by", &ScenarioEvent::by, duration_between(-kDurationMax, kDurationMax)),
      field("interface", &ScenarioEvent::interface,
            one_of<InterfaceId>({{"first", InterfaceId::kFirst}, {"other", InterfaceId::kOther}})),
  };
  return fields;
}

const Fields<Expectations>& expectation_fields() {
  const auto time = [] { return duration_between(0s, kDurationMax); };
  const auto pairs = [] { return whole_between(0, kNodesMax * kNodesMax); };
  static const Fields<Expectations> fields = {
      field("connected", &Expectations::connected, flag()),
      field("connected_within", &Expectations::connected_within, time()),
      field("reconnected_within", &Expectations::reconnected_within, time()),
      field("first_tunnel_p50", &Expectations::first_tunnel_p50, time()),
      field("first_tunnel_p95", &Expectations::first_tunnel_p95, time()),
      field("pings_lost", &Expectations::pings_lost_max, share()),
      field("longest_silence", &Expectations::longest_silence, time()),
      field("direct_share", &Expectations::direct_share_min, share()),
      field("pairs_min", &Expectations::pairs_min, pairs()),
      field("pairs_max", &Expectations::pairs_max, pairs()),
      field("memory_growth", &Expectations::memory_growth_max, share()),
      field("path_swaps", &Expectations::path_swaps_max, pairs()),
      field("bytes_per_second", &Expectations::bytes_per_second_max, bytes_per_second()),
  };
  return fields;
}

}  // namespace kadwire::testnet
