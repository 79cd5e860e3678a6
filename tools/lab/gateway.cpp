#include "tools/lab/gateway.h"

#include <fmt/format.h>

#include <utility>

namespace kadwire::lab {
namespace {

/// Seen by the gateway.
constexpr const char* kRulesFile = "/run/gateway.nft";
constexpr const char* kLanFile = "/run/lan.ip";
constexpr const char* kMappingFile = "/run/miniupnpd.conf";

/// What every gateway has, whatever it translates. Its input must drop: a stranger's datagram that
/// the gateway itself took in would occupy the mapping that a host inside is about to need.
constexpr std::string_view kFilter = R"(
table inet filter {
  chain input {
    type filter hook input priority filter
    iifname "eth0" ct state new meta l4proto udp drop
  }
  chain forward {
    type filter hook forward priority filter
    iifname "eth0" ct state established, related accept
    iifname "eth0" ct status dnat accept
    iifname "eth0" meta l4proto ipv6-icmp accept
    iifname "eth0" drop
  }
})";

std::string lan_of(unsigned number, LanRange range) {
  return fmt::format("{}.{}", range == LanRange::kCarrier ? "100.64" : "192.168", number);
}

}  // namespace

Gateway::Gateway(Host& host, const GatewayRules& rules)
    : host_(host),
      lan_{.gateway = &host,
           .ipv4 = lan_of(host.number(), rules.range),
           .ipv6 = fmt::format("2001:db8:{:x}:1", host.number())},
      maps_ports_(rules.maps_ports) {
  if (host.has_ipv4()) {
    rules_ = fmt::format("define wan = {}\ndefine lan = {}.0/24\n", wan(), lan_.ipv4);
  }
  rules_ += fmt::format("{}\n{}\n", rules.nft, kFilter);
}

Expected<std::unique_ptr<Gateway>> Gateway::create(Host& host, const GatewayRules& rules) {
  std::unique_ptr<Gateway> gateway(new Gateway(host, rules));
  auto built = gateway->open_lan().and_then([&] { return gateway->load_rules(); });
  if (built && rules.maps_ports) {
    built = gateway->open_wan().and_then([&] { return gateway->start_mapping(); });
  }
  if (!built) return tl::unexpected(built.error());
  return gateway;
}

Expected<void> Gateway::open_lan() const {
  std::string script =
      fmt::format("link add {0} type bridge\nlink set {0} mtu 1500 up\n", kLanInterface);
  if (host_.has_ipv4())
    script += fmt::format("addr add {}.1/24 dev {}\n", lan_.ipv4, kLanInterface);
  if (host_.has_ipv6()) {
    script += fmt::format("addr add {}::1/64 dev {} nodad\n", lan_.ipv6, kLanInterface);
    const auto routed = run_command(
        {.argv = {"ip", "-6", "route", "add", lan_.ipv6 + "::/64", "via", host_.ipv6().to_string()},
         .output = host_.log_path("core-ip")});
    if (!routed) return routed;
  }
  Expected<void> forwarding;
  const auto entered = host_.in_network([&] {
    forwarding = write_text("/proc/sys/net/ipv4/ip_forward", "1").and_then([] {
      return write_text("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    });
  });
  return entered.and_then([&] { return forwarding; })
      .and_then([&] { return write_text(host_.outside(kLanFile), script); })
      .and_then([&] {
        return host_.run({"ip", "-batch", kLanFile});
      });
}

Expected<void> Gateway::load_rules() const {
  return write_text(host_.outside(kRulesFile), rules_).and_then([&] {
    return host_.run({"nft", "-f", kRulesFile});
  });
}

std::string Gateway::wan() const {
  return maps_ports_ ? fmt::format("11.22.{}.1", host_.number()) : host_.ipv4().to_string();
}

/// An address more, and the core's way to it.
Expected<void> Gateway::open_wan() const {
  return host_.run({"ip", "address", "add", wan() + "/32", "dev", kHostInterface}).and_then([&] {
    return run_command({.argv = {"ip", "route", "add", wan(), "via", host_.ipv4().to_string()},
                        .output = host_.log_path("core-ip")});
  });
}

Expected<void> Gateway::start_mapping() {
  const std::string settings = fmt::format(
      "ext_ifname={}\next_ip={}\nlistening_ip={}\nenable_natpmp=yes\nenable_upnp=yes\n"
      "secure_mode=yes\nsystem_uptime=no\nuuid=3d18b618-d9a8-4f03-920d-cb7056e0eccf\n"
      "allow 1024-65535 {}.0/24 1024-65535\n",
      kHostInterface, wan(), kLanInterface, lan_.ipv4);
  if (auto written = write_text(host_.outside(kMappingFile), settings); !written) return written;
  auto daemon =
      host_.spawn({"miniupnpd", "-d", "-f", kMappingFile, "-P", "/run/miniupnpd.pid"}, "miniupnpd");
  if (!daemon) return tl::unexpected(daemon.error());
  mapping_.emplace(std::move(*daemon));
  return {};
}

/// The rules go, too: those of the cones remember mappings of their own.
Expected<void> Gateway::forget_mappings() {
  mapping_.reset();
  return host_.run({"nft", "flush", "ruleset"})
      .and_then([&] {
        return host_.run({"conntrack", "-F"});
      })
      .and_then([&] { return load_rules(); })
      .and_then([&] { return maps_ports_ ? start_mapping() : Expected<void>{}; });
}

Expected<void> Gateway::drop_silently(const IpAddress& remote) const {
  const char* family = remote.is_v4() ? "ip" : "ip6";
  const std::string address = remote.to_string();
  const std::string script = fmt::format(
      "table inet hole {{ chain forward {{ type filter hook forward priority -10; "
      "{0} daddr {1} drop; {0} saddr {1} drop; }}; }}",
      family, address);
  return host_.run({"nft", script});
}

Expected<Place> build_place(Lab& lab, const Surroundings& surroundings, HostOptions options) {
  options.families = surroundings.families;
  Place place;
  int hops = static_cast<int>(surroundings.gateways.size());
  for (const GatewayRules& rules : surroundings.gateways) {
    HostOptions box = options;
    box.name = fmt::format("{}-box{}", options.name, hops--);
    const auto host = lab.add_host(std::move(box));
    if (!host) return tl::unexpected(host.error());
    auto gateway = Gateway::create(**host, rules);
    if (!gateway) return tl::unexpected(gateway.error());
    options.lan = (*gateway)->lan();
    place.gateways.push_back(std::move(*gateway));
  }
  const auto host = lab.add_host(std::move(options));
  if (!host) return tl::unexpected(host.error());
  place.host = *host;
  if (surroundings.host_nft.empty()) return place;
  const auto walled =
      write_text((*host)->outside(kRulesFile), std::string(surroundings.host_nft)).and_then([&] {
        return (*host)->run({"nft", "-f", kRulesFile});
      });
  if (!walled) return tl::unexpected(walled.error());
  return place;
}

}  // namespace kadwire::lab
