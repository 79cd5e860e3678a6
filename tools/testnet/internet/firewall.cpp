#include "tools/testnet/internet/firewall.h"

#include "tools/testnet/internet/address_hash.h"

namespace kadwire::testnet {

std::size_t Firewall::FlowHash::operator()(const Flow& flow) const {
  return mix(EndpointHash{}(flow.inside) ^ mix(EndpointHash{}(flow.outside)));
}

void Firewall::handle_outbound(TimePoint now, const Endpoint& inside, const Endpoint& outside) {
  if (!model_.stateful) return;
  flows_.expire(now);
  const Flow flow{inside, outside};
  if (auto* known = flows_.find(now, flow)) {
    flows_.refresh(now, *known);
    return;
  }
  if (flows_.size() >= kFirewallFlowsMax) flows_.remove_oldest();
  flows_.add(now, flow, {});
}

bool Firewall::handle_inbound(TimePoint now, const Endpoint& inside, const Endpoint& outside) {
  if (!model_.stateful) return true;
  auto* flow = flows_.find(now, {inside, outside});
  if (flow == nullptr) return false;
  flows_.refresh(now, *flow);
  return true;
}

bool Firewall::would_admit(TimePoint now, const Endpoint& inside, const Endpoint& outside) const {
  return !model_.stateful || flows_.find(now, {inside, outside}) != nullptr;
}

}  // namespace kadwire::testnet
