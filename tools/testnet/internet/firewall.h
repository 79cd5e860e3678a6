#pragma once

/// A stateful packet filter: what went out may be answered, by exactly the one it went to, until it
/// has been quiet for a while. Packets of both directions keep a flow alive, as in Linux.
/// Sans-IO. Not stateful by its model: lets everything through and remembers nothing.

#include <cstddef>

#include "node/base/endpoint.h"
#include "tools/testnet/internet/expiring_table.h"
#include "tools/testnet/internet/firewall_model.h"

namespace kadwire::testnet {

/// Flows of one firewall; the one unused longest makes room. Linux' usual conntrack table.
inline constexpr std::size_t kFirewallFlowsMax = 65'536;

class Firewall {
 public:
  explicit Firewall(const FirewallModel& model) : model_(model), flows_(model.expiry) {}

  void handle_outbound(TimePoint now, const Endpoint& inside, const Endpoint& outside);
  /// Whether the packet may come in.
  [[nodiscard]] bool handle_inbound(TimePoint now, const Endpoint& inside, const Endpoint& outside);
  /// The same, without a trace.
  [[nodiscard]] bool would_admit(TimePoint now, const Endpoint& inside,
                                 const Endpoint& outside) const;
  void forget() { flows_.clear(); }
  [[nodiscard]] std::size_t flows(TimePoint now) const { return flows_.live(now); }

 private:
  struct Flow {
    Endpoint inside;
    Endpoint outside;
    bool operator==(const Flow&) const = default;
  };
  struct FlowHash {
    std::size_t operator()(const Flow& flow) const;
  };
  struct Nothing {};

  FirewallModel model_;
  ExpiringTable<Flow, Nothing, FlowHash> flows_;
};

}  // namespace kadwire::testnet
