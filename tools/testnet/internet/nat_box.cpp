#include "tools/testnet/internet/nat_box.h"

#include <algorithm>
#include <cassert>

namespace kadwire::testnet {
namespace {

/// Where sequential allocation starts: no two boxes alike, none the same after a reboot.
std::uint16_t random_port(Dice& dice) {
  return static_cast<std::uint16_t>(kExternalPortMin + dice.below(kExternalPorts));
}

/// Service ports move up beyond those that are given away.
std::uint16_t preserved_port(std::uint16_t inside) {
  return inside < kExternalPortMin ? static_cast<std::uint16_t>(inside + kExternalPortMin) : inside;
}

/// `step` further, from the end back to the beginning.
std::uint16_t port_after(std::uint16_t port, std::uint16_t step) {
  const std::size_t index = (std::size_t{port} - kExternalPortMin + step) % kExternalPorts;
  return static_cast<std::uint16_t>(kExternalPortMin + index);
}

}  // namespace

NatBox::NatBox(const NatModel& model, std::uint64_t seed)
    : model_(model), allocator_{Dice(seed)}, mappings_(model.expiry), filters_(model.expiry) {
  allocator_.last = random_port(allocator_.dice);
}

NatBox::Port NatBox::translate_outbound(TimePoint now, const Endpoint& inside,
                                        const Endpoint& destination) {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  expire(now);
  if (const auto port = leaving_explicitly(now, inside, destination)) {
    remember(now, {explicit_.at(*port).id, pack(destination)});
    return *port;
  }
  const MappingKey key = mapping_key(inside, destination);
  Mappings::Entry* mapping = mappings_.find(now, key);
  if (mapping != nullptr) {
    mappings_.refresh(now, *mapping);
  } else {
    const auto port = choose_port(inside, allocator_);
    if (!port) return tl::unexpected(Drop::kNatFull);
    mapping = &add_mapping(now, key, *port);
  }
  open_filter(now, mapping->value.id, destination);
  return mapping->value.port;
}

NatBox::Port NatBox::would_translate_outbound(TimePoint now, const Endpoint& inside,
                                              const Endpoint& destination) const {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  if (const auto port = leaving_explicitly(now, inside, destination)) return *port;
  const auto* mapping = mappings_.find(now, mapping_key(inside, destination));
  if (mapping != nullptr) return mapping->value.port;
  expire(now);
  Allocator foretold = allocator_;
  const auto port = choose_port(inside, foretold);
  if (!port) return tl::unexpected(Drop::kNatFull);
  return *port;
}

NatBox::Inside NatBox::translate_inbound(TimePoint now, const Endpoint& from, std::uint16_t port) {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  expire(now);
  if (const ExplicitMapping* mapping = explicit_at(now, port)) {
    remember(now, {mapping->id, pack(from)});
    return mapping->inside;
  }
  const auto* admitting = admitted(now, from, port);
  if (admitting == nullptr) return tl::unexpected(Drop::kNatFiltered);
  const Endpoint inside = unpack(admitting->key.inside);
  if (model_.refresh == Refresh::kBoth) {
    Mappings::Entry* mapping = mappings_.find(now, admitting->key);
    mappings_.refresh(now, *mapping);
    open_filter(now, mapping->value.id, from);  // which it is already: refreshed
  }
  return inside;
}

NatBox::Inside NatBox::would_translate_inbound(TimePoint now, const Endpoint& from,
                                               std::uint16_t port) const {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  if (const ExplicitMapping* mapping = explicit_at(now, port)) return mapping->inside;
  const auto* mapping = admitted(now, from, port);
  if (mapping == nullptr) return tl::unexpected(Drop::kNatFiltered);
  return unpack(mapping->key.inside);
}

NatBox::Port NatBox::map_port(TimePoint now, const Endpoint& inside, std::uint16_t wish,
                              Duration lease) {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  expire(now);
  if (const auto held = find_explicit(now, inside); held != explicit_.end()) {
    explicit_.at(held->first).ends_at = now + lease;
    return held->first;
  }
  if (explicit_.size() >= kExplicitMappingsMax) return tl::unexpected(Drop::kNatFull);
  auto port = release_implicit(now, inside);
  const std::uint16_t wanted = wish == 0 ? inside.port : wish;
  if (!port) port = taken_.next_free(preserved_port(wanted), false);
  if (!port) return tl::unexpected(Drop::kNatFull);
  taken_.insert(*port);
  explicit_[*port] = {++last_id_, inside, now + lease};
  return *port;
}

void NatBox::unmap_port(TimePoint now, const Endpoint& inside) {
  const auto held = find_explicit(now, inside);
  if (held == explicit_.end()) return;
  if (!by_port_.contains(held->first)) taken_.erase(held->first);
  explicit_.erase(held);
}

std::optional<std::uint16_t> NatBox::explicit_port(TimePoint now, const Endpoint& inside) const {
  const auto held = find_explicit(now, inside);
  return held == explicit_.end() ? std::nullopt : std::optional(held->first);
}

NatBox::ExplicitMappings::const_iterator NatBox::find_explicit(TimePoint now,
                                                               const Endpoint& inside) const {
  return std::find_if(explicit_.cbegin(), explicit_.cend(), [&](const auto& each) {
    return each.second.inside == inside && each.second.ends_at > now;
  });
}

const NatBox::ExplicitMapping* NatBox::explicit_at(TimePoint now, std::uint16_t port) const {
  const auto found = explicit_.find(port);
  return found == explicit_.end() || found->second.ends_at <= now ? nullptr : &found->second;
}

/// The explicit mapping's port, if a packet from inside takes it.
std::optional<std::uint16_t> NatBox::leaving_explicitly(TimePoint now, const Endpoint& inside,
                                                        const Endpoint& destination) const {
  const auto held = find_explicit(now, inside);
  if (held == explicit_.end()) return std::nullopt;
  const FilterKey flow{held->second.id, pack(destination)};
  if (!maps_all_alike() && filters_.find(now, flow) == nullptr) return std::nullopt;
  return held->first;
}

bool NatBox::maps_all_alike() const {
  return overloads() || model_.mapping == Dependence::kEndpointIndependent;
}

/// The one port that this endpoint already has for all destinations becomes free for an explicit
/// mapping, so that others need not learn a new one (RFC 6887 §11.3).
std::optional<std::uint16_t> NatBox::release_implicit(TimePoint now, const Endpoint& inside) {
  if (!maps_all_alike()) return std::nullopt;
  const auto* mapping = mappings_.find(now, {pack(inside), 0});
  if (mapping == nullptr) return std::nullopt;
  const std::uint16_t port = mapping->value.port;
  mappings_.remove(*mapping);
  by_port_.erase(port);
  taken_.erase(port);
  return port;
}

void NatBox::reboot() {
  explicit_.clear();
  mappings_.clear();
  filters_.clear();
  by_port_.clear();
  taken_.clear();
  allocator_.last = random_port(allocator_.dice);
}

NatBox::Packed NatBox::pack(const Endpoint& endpoint) {
  return Packed{endpoint.address.v4_value()} << 16 | endpoint.port;
}

Endpoint NatBox::unpack(Packed packed) {
  ByteArray<4> address;
  for (std::size_t i = 0; i < address.size(); ++i) {
    address[i] = static_cast<std::byte>(packed >> (40 - 8 * i) & 0xff);
  }
  return {IpAddress::v4(address), static_cast<std::uint16_t>(packed & 0xffff)};
}

NatBox::Packed NatBox::masked(Packed packed, Dependence dependence) {
  switch (dependence) {
    case Dependence::kEndpointIndependent:
      return 0;
    case Dependence::kAddressDependent:
      return packed & ~Packed{0xffff};
    case Dependence::kAddressAndPortDependent:
      return packed;
  }
  assert(false);
  return packed;
}

bool NatBox::overloads() const {
  return model_.allocation == PortAllocation::kPreservingOverload;
}

NatBox::MappingKey NatBox::mapping_key(const Endpoint& inside, const Endpoint& destination) const {
  const auto dependence = overloads() ? Dependence::kEndpointIndependent : model_.mapping;
  return {pack(inside), masked(pack(destination), dependence)};
}

/// nullopt: the table is full, or no port is left. What has expired must be gone.
std::optional<std::uint16_t> NatBox::choose_port(const Endpoint& inside,
                                                 Allocator& allocator) const {
  const std::uint16_t preserved = preserved_port(inside.port);
  const bool takes_over = overloads() && taken_.contains(preserved);
  if (!takes_over && mappings_.size() >= model_.mappings_max) return std::nullopt;
  switch (model_.allocation) {
    case PortAllocation::kPreserving:
      return taken_.next_free(preserved, false);
    case PortAllocation::kPreservingOverload:
      return preserved;
    case PortAllocation::kSequential: {
      const auto port = taken_.next_free(port_after(allocator.last, model_.step), false);
      if (port) allocator.last = *port;
      return port;
    }
    case PortAllocation::kRandom:
      return taken_.next_free(random_port(allocator.dice), false);
    case PortAllocation::kParity: {
      const int parity = inside.port & 1;
      const int drawn = random_port(allocator.dice);
      return taken_.next_free(static_cast<std::uint16_t>((drawn & ~1) | parity), true);
    }
  }
  assert(false);
  return std::nullopt;
}

/// The mapping that holds this port, if it lets such a packet in.
const NatBox::Mappings::Entry* NatBox::admitted(TimePoint now, const Endpoint& from,
                                                std::uint16_t port) const {
  const auto holder = by_port_.find(port);
  if (holder == by_port_.end()) return nullptr;
  const auto* mapping = mappings_.find(now, holder->second);
  if (mapping == nullptr || model_.filtering == Dependence::kEndpointIndependent) return mapping;
  const FilterKey filter{mapping->value.id, masked(pack(from), model_.filtering)};
  return filters_.find(now, filter) == nullptr ? nullptr : mapping;
}

void NatBox::expire(TimePoint now) const {
  filters_.expire(now);
  mappings_.expire(now, [this](const Mappings::Entry& mapping) {
    by_port_.erase(mapping.value.port);
    if (!explicit_.contains(mapping.value.port)) taken_.erase(mapping.value.port);
  });
  std::erase_if(explicit_, [&](const auto& each) {
    const bool expired = each.second.ends_at <= now;
    if (expired && !by_port_.contains(each.first)) taken_.erase(each.first);
    return expired;
  });
}

NatBox::Mappings::Entry& NatBox::add_mapping(TimePoint now, const MappingKey& key,
                                             std::uint16_t port) {
  if (const auto holder = by_port_.find(port); holder != by_port_.end()) {
    assert(overloads());
    mappings_.remove(*mappings_.find(now, holder->second));
  }
  by_port_.insert_or_assign(port, key);
  taken_.insert(port);
  Mappings::Entry& mapping = mappings_.add(now, key, {++last_id_, port});
  peak_ = std::max(peak_, mappings_.size());
  return mapping;
}

void NatBox::open_filter(TimePoint now, std::uint64_t mapping_id, const Endpoint& peer) {
  if (model_.filtering == Dependence::kEndpointIndependent) return;
  remember(now, {mapping_id, masked(pack(peer), model_.filtering)});
}

/// What has expired must be gone.
void NatBox::remember(TimePoint now, const FilterKey& key) {
  if (auto* filter = filters_.find(now, key)) {
    filters_.refresh(now, *filter);
    return;
  }
  if (filters_.size() >= kNatFiltersMax) filters_.remove_oldest();
  filters_.add(now, key, {});
}

}  // namespace kadwire::testnet
