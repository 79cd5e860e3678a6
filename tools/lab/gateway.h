#pragma once

/// A host that routes for a LAN behind it, with a NAT or firewall in nftables: a home's box, or a
/// carrier's. Not here: which NATs there are (surroundings.h).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lab/host.h"
#include "tools/lab/lab.h"
#include "tools/lab/lab_error.h"
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
  /// For HostOptions::lan.
  [[nodiscard]] Lan lan() const { return lan_; }

  /// Forgets every mapping, as a box that was switched off and on. Needs the command conntrack.
  [[nodiscard]] Expected<void> forget_mappings() const;
  /// Forwards nothing to or from an address any more, without a word to anybody.
  [[nodiscard]] Expected<void> drop_silently(const IpAddress& remote) const;

 private:
  Gateway(Host& host, const GatewayRules& rules);
  [[nodiscard]] Expected<void> open_lan() const;
  [[nodiscard]] Expected<void> load_rules() const;

  Host& host_;
  std::string rules_;
  Lan lan_;
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
