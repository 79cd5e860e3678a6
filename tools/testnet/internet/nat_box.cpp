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
  const auto* admitting = admitted(now, from, port);
  if (admitting == nullptr) return tl::unexpected(Drop::kNatFiltered);
  const Endpoint inside = unpack(admitting->key.inside);
  if (model_.refresh == Refresh::kBoth) {
    expire(now);
    Mappings::Entry* mapping = mappings_.find(now, admitting->key);
    mappings_.refresh(now, *mapping);
    open_filter(now, mapping->value.id, from);  // which it is already: refreshed
  }
  return inside;
}

NatBox::Inside NatBox::would_translate_inbound(TimePoint now, const Endpoint& from,
                                               std::uint16_t port) const {
  if (model_.blocks_udp) return tl::unexpected(Drop::kUdpBlocked);
  const auto* mapping = admitted(now, from, port);
  if (mapping == nullptr) return tl::unexpected(Drop::kNatFiltered);
  return unpack(mapping->key.inside);
}

void NatBox::reboot() {
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
    taken_.erase(mapping.value.port);
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
  const FilterKey key{mapping_id, masked(pack(peer), model_.filtering)};
  if (auto* filter = filters_.find(now, key)) {
    filters_.refresh(now, *filter);
    return;
  }
  if (filters_.size() >= kNatFiltersMax) filters_.remove_oldest();
  filters_.add(now, key, {});
}

}  // namespace kadwire::testnet
