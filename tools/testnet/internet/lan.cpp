#include "tools/testnet/internet/lan.h"

#include <algorithm>
#include <cassert>

namespace kadwire::testnet {
namespace {

constexpr std::uint32_t kHomeNetworks = 0xc0a80000;    // 192.168.0.0
constexpr std::uint32_t kFirstHost = 2;                // behind the network's and the gateway's
constexpr std::uint32_t kCarrierNetwork = 0x64400000;  // 100.64.0.0
constexpr unsigned kCarrierBits = 10;
constexpr std::uint32_t kFirstSubscriber = kCarrierNetwork + 0x10a;  // 100.64.1.10
/// The gateway's own is ::1.
constexpr std::uint64_t kFirstInterfaceId = 2;

/// Index of the lowest free place, where `station` now is.
std::uint32_t seat_in(std::vector<Station>& places, Station station) {
  const auto free = std::ranges::find_if(places, &Station::is_nobody);
  const auto index = static_cast<std::uint32_t>(free - places.begin());
  if (free == places.end()) {
    places.push_back(station);
  } else {
    *free = station;
  }
  return index;
}

}  // namespace

Seat Lan::add(Station station) {
  const bool home_has_room =
      home_.size() < kHomeSeats || std::ranges::any_of(home_, &Station::is_nobody);
  if (station.is_host() && home_has_room) return Seat{seat_in(home_, station)};
  const std::uint32_t index = seat_in(carrier_, station);
  assert(index < kSeatsMax);
  return Seat{kHomeSeats + index};
}

void Lan::release(Seat seat) {
  const auto index = static_cast<std::uint32_t>(seat);
  (index < kHomeSeats ? home_.at(index) : carrier_.at(index - kHomeSeats)) = {};
}

Prefix Lan::v4(Seat seat) const {
  const auto index = static_cast<std::uint32_t>(seat);
  if (index >= kHomeSeats) {
    return {v4_address(kFirstSubscriber + (index - kHomeSeats)), kCarrierBits};
  }
  const std::uint32_t network = kHomeNetworks + (std::uint32_t{third_octet_} << 8);
  return {v4_address(network + kFirstHost + index), 24};
}

IpAddress Lan::gateway_v4(Seat seat) const {
  if (static_cast<std::uint32_t>(seat) >= kHomeSeats) return v4_address(kCarrierNetwork + 1);
  return v4_address(kHomeNetworks + (std::uint32_t{third_octet_} << 8) + 1);
}

std::uint64_t Lan::interface_id(Seat seat) {
  return kFirstInterfaceId + static_cast<std::uint32_t>(seat);
}

Station Lan::find_v4(const IpAddress& address) const {
  const std::uint32_t value = address.v4_value();
  const std::uint32_t host = value - kHomeNetworks - (std::uint32_t{third_octet_} << 8);
  if (host < 256) return host < kFirstHost ? Station{} : at(host - kFirstHost);
  if (value < kFirstSubscriber) return {};
  return at(std::uint64_t{kHomeSeats} + (value - kFirstSubscriber));
}

Station Lan::find_v6(std::uint64_t id) const {
  const std::uint64_t seat = id & 0xffffffff;
  return seat < kFirstInterfaceId ? Station{} : at(seat - kFirstInterfaceId);
}

std::vector<Station> Lan::hosts() const {
  std::vector<Station> hosts;
  for (const auto* places : {&home_, &carrier_}) {
    for (const Station& station : *places) {
      // An interface's second seat follows its first, but for seats that others left.
      if (station.is_host() && std::ranges::count(hosts, station) == 0) hosts.push_back(station);
    }
  }
  return hosts;
}

bool Lan::covers(const IpAddress& v4) const {
  const std::uint32_t value = v4.v4_value();
  if (value >> 8 == (kHomeNetworks >> 8) + third_octet_) return true;
  return !carrier_.empty() &&
         value >> (32 - kCarrierBits) == kCarrierNetwork >> (32 - kCarrierBits);
}

Station Lan::at(std::uint64_t seat) const {
  if (seat < kHomeSeats) return seat < home_.size() ? home_[seat] : Station{};
  seat -= kHomeSeats;
  return seat < carrier_.size() ? carrier_[seat] : Station{};
}

}  // namespace kadwire::testnet
