#pragma once

/// A host that routes for a LAN behind it, with a NAT or firewall in nftables: a home's box, or a
/// carrier's. Not here: which NATs there are (surroundings.h).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lab/host.h"
#include "tools/lab/lab.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/process.h"
#include "tools/lab/surroundings.h"

namespace kadwire::lab {

class Gateway {
 public:
  /// Makes a gateway of a host on which nothing runs. IPv6 is routed if the host has it, through a
  /// firewall that lets in only answers; that needs a cable of the host's own. `host` must outlive
  /// this.
  [[nodiscard]] static Expected<std::unique_ptr<Gateway>> create(Host& host,
                                                                 const GatewayRules& rules);

  [[nodiscard]] Host& host() const { return host_; }
  /// Under which it sends its LAN's IPv4: the host's address. One that maps ports has another,
  /// 11.22.N.1 with the host's number, because miniupnpd maps none of a range for tests.
  [[nodiscard]] std::string wan() const;
  /// For HostOptions::lan.
  [[nodiscard]] Lan lan() const { return lan_; }

  /// Forgets every mapping, as a box that was switched off and on. Needs the command conntrack.
  [[nodiscard]] Expected<void> forget_mappings();
  /// Forwards nothing to or from an address any more, without a word to anybody.
  [[nodiscard]] Expected<void> drop_silently(const IpAddress& remote) const;

 private:
  Gateway(Host& host, const GatewayRules& rules);
  [[nodiscard]] Expected<void> open_lan() const;
  [[nodiscard]] Expected<void> load_rules() const;
  [[nodiscard]] Expected<void> open_wan() const;
  [[nodiscard]] Expected<void> start_mapping();

  Host& host_;
  std::string rules_;
  Lan lan_;
  bool maps_ports_;
  std::optional<Process> mapping_;  ///< miniupnpd
};

/// A member's host with what stands before it.
struct Place {
  Host* host = nullptr;
  std::vector<std::unique_ptr<Gateway>> gateways;  ///< from the internet inwards
};
/// Builds all of it. The cable of `options` leads to the outermost gateway; its families are those
/// of the surroundings.
[[nodiscard]] Expected<Place> build_place(Lab& lab, const Surroundings& surroundings,
                                          HostOptions options);

}  // namespace kadwire::lab
