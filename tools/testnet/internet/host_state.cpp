#include "tools/testnet/internet/host_state.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kadwire::testnet {
namespace {

/// Whether whoever carries the packet on takes this source. A provider drops what is not of its
/// customer (BCP 38); a NAT translates anything, and a link asks nobody.
bool carries(const InterfaceState& interface, const IpAddress& source, const IpAddress& to) {
  if (interface.has(source) || interface.is_on_link(to)) return true;
  return interface.behind && to.is_v4();
}

}  // namespace

bool InterfaceState::has(const IpAddress& address) const {
  return std::ranges::any_of(addresses,
                             [&](const HostAddress& own) { return own.prefix.address == address; });
}

bool InterfaceState::has_family(AddressFamily family) const {
  return main_address(family) != nullptr;
}

bool InterfaceState::is_on_link(const IpAddress& address) const {
  return std::ranges::any_of(addresses,
                             [&](const HostAddress& own) { return own.prefix.contains(address); });
}

const IpAddress* InterfaceState::source(AddressFamily family) const {
  const HostAddress* best = nullptr;
  for (const HostAddress& own : addresses) {
    if (own.prefix.address.family() != family || own.deprecated) continue;
    if (best == nullptr || (own.temporary && !best->temporary)) best = &own;
  }
  return best == nullptr ? main_address(family) : &best->prefix.address;
}

const IpAddress* InterfaceState::main_address(AddressFamily family) const {
  const auto main = std::ranges::find_if(
      addresses, [&](const HostAddress& own) { return own.prefix.address.family() == family; });
  return main == addresses.end() ? nullptr : &main->prefix.address;
}

InterfaceState& HostState::interface(InterfaceId id) {
  return const_cast<InterfaceState&>(std::as_const(*this).interface(id));
}

const InterfaceState& HostState::interface(InterfaceId id) const {
  const auto found = std::ranges::find(interfaces, id, &InterfaceState::id);
  assert(found != interfaces.end());
  return *found;
}

const InterfaceState* HostState::owner(const IpAddress& address) const {
  for (const InterfaceState& each : interfaces) {
    if (each.up && each.has(address)) return &each;
  }
  return nullptr;
}

const InterfaceState* HostState::route(const IpAddress& to) const {
  if (interfaces.size() > 1) {
    for (const InterfaceState& each : interfaces) {
      if (each.up && each.is_on_link(to)) return &each;
    }
  }
  for (const InterfaceState& each : interfaces) {
    if (each.leads_out() && each.has_family(to.family())) return &each;
  }
  return nullptr;
}

const InterfaceState* HostState::default_interface() const {
  const auto first = std::ranges::find_if(interfaces, &InterfaceState::leads_out);
  return first == interfaces.end() ? nullptr : &*first;
}

std::size_t HostState::path_mtu(TimePoint now, const IpAddress& destination) const {
  if (path_mtus.size() == 0) return kWholeDatagram;  // nearly always
  const auto* known = path_mtus.find(now, destination);
  return known == nullptr ? kWholeDatagram : known->value;
}

void HostState::learn_path_mtu(TimePoint now, const IpAddress& destination, std::size_t mtu_bytes) {
  path_mtus.expire(now);
  if (const auto* known = path_mtus.find(now, destination)) {
    // A longer way has a smaller MTU further on.
    mtu_bytes = std::min(mtu_bytes, known->value);
    path_mtus.remove(*known);
  }
  if (path_mtus.size() >= kPathMtusMax) path_mtus.remove_oldest();
  path_mtus.add(now, destination, mtu_bytes);
}

tl::expected<Departure, Drop> depart(const HostState& host, const IpAddress& to,
                                     const SourceChoice& choice) {
  if (!host.up) return tl::unexpected(Drop::kHostDown);
  if (host.options.udp_blocked) return tl::unexpected(Drop::kUdpBlocked);
  const InterfaceState* way = host.route(to);
  if (choice.address) {
    const InterfaceState* owner = host.owner(*choice.address);
    if (owner == nullptr) return tl::unexpected(Drop::kNoRoute);
    if (choice.pins_interface) way = owner;
  }
  if (way == nullptr) return tl::unexpected(Drop::kNoRoute);
  const IpAddress* chosen = choice.address ? &*choice.address : way->source(to.family());
  if (chosen == nullptr || chosen->family() != to.family()) return tl::unexpected(Drop::kNoRoute);
  if (!carries(*way, *chosen, to)) return tl::unexpected(Drop::kNoRoute);
  return Departure{way->id, *chosen};
}

}  // namespace kadwire::testnet
