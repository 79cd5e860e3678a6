#include "tools/testnet/internet/address_plan.h"

#include <cassert>
#include <optional>

namespace kadwire::testnet {
namespace {

constexpr std::uint32_t kFirstV4 = 0x0b00000a;             // 11.0.0.10
constexpr std::uint64_t kFirstV6 = 0x2a00'0000'0001'0000;  // the first 64 bits of 2a00:0:1::

/// The number that an address stands for; nullopt: it is none of the plan's.
std::optional<std::uint64_t> v4_number(const IpAddress& address) {
  const std::uint32_t offset = address.v4_value() - kFirstV4;
  if (offset % 256 != 0) return std::nullopt;
  return offset / 256;
}

std::optional<std::uint64_t> v6_number(const IpAddress& address) {
  const std::uint64_t offset = ByteReader(address.bytes()).be64() - kFirstV6;
  if ((offset & 0xffff) != 0) return std::nullopt;
  return offset >> 16;
}

}  // namespace

std::uint32_t NumberPool::take(Station owner) {
  assert(in_use_ < kPublicAddressesMax && !owner.is_nobody());
  while (next_ < owners_.size() && !owners_[next_].is_nobody()) {
    next_ = (next_ + 1) % kPublicAddressesMax;
  }
  if (next_ == owners_.size()) owners_.emplace_back();
  const std::uint32_t number = next_;
  owners_[number] = owner;
  ++in_use_;
  next_ = (next_ + 1) % kPublicAddressesMax;
  return number;
}

void NumberPool::release(std::uint32_t number) {
  assert(!owner(number).is_nobody());
  owners_[number] = {};
  --in_use_;
}

Station NumberPool::owner(std::uint64_t number) const {
  return number < owners_.size() ? owners_[number] : Station{};
}

IpAddress AddressPlan::take_v4(Station owner) {
  return v4_address(kFirstV4 + v4_.take(owner) * 256);
}

IpAddress AddressPlan::take_v6_network(Station owner) {
  ByteWriter writer;
  writer.be64(kFirstV6 + (std::uint64_t{v6_.take(owner)} << 16)).be64(0);
  return *IpAddress::from_bytes(writer.view());
}

void AddressPlan::release(const IpAddress& address) {
  const auto number = address.is_v4() ? v4_number(address) : v6_number(address);
  assert(number);
  (address.is_v4() ? v4_ : v6_).release(static_cast<std::uint32_t>(*number));
}

Station AddressPlan::owner(const IpAddress& address) const {
  const auto number = address.is_v4() ? v4_number(address) : v6_number(address);
  if (!number) return {};
  return (address.is_v4() ? v4_ : v6_).owner(*number);
}

IpAddress v4_address(std::uint32_t host_order) {
  return IpAddress::v4(ByteArray<4>{
      static_cast<std::byte>(host_order >> 24), static_cast<std::byte>(host_order >> 16 & 0xff),
      static_cast<std::byte>(host_order >> 8 & 0xff), static_cast<std::byte>(host_order & 0xff)});
}

IpAddress v6_address(const IpAddress& network, std::uint64_t interface_id) {
  ByteWriter writer;
  writer.raw(network.bytes().first(8)).be64(interface_id);
  return *IpAddress::from_bytes(writer.view());
}

std::uint64_t interface_id(const IpAddress& v6) {
  return ByteReader(v6.bytes().subspan(8)).be64();
}

}  // namespace kadwire::testnet
