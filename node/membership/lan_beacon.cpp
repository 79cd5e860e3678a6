#include "node/membership/lan_beacon.h"

#include <algorithm>

namespace kadwire::node {
namespace {

/// Drawn at random by whoever sealed it: another beacon with the same is a copy.
std::uint64_t name_of(ByteView beacon) {
  ByteReader reader(beacon.subspan(rendezvous::kFrameHeaderBytes));
  return reader.be64();
}

}  // namespace

std::vector<std::string> lan_links(const NetworkState& network) {
  std::vector<std::pair<bool, std::string>> links;
  for (const rendezvous::LocalAddress& address : network.addresses) {
    if (!rendezvous::is_unicast_beyond_link(address.prefix.address)) continue;
    links.emplace_back(address.bridge, address.interface);
  }
  std::ranges::sort(links);
  std::vector<std::string> names;
  for (auto& [bridge, name] : links) {
    if (names.size() == kLanLinksMax) break;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

LanBeacon::LanBeacon(const crypto::KeySchedule& keys, RandomSource& random)
    : keys_(keys), random_(random), frame_keys_(keys) {}

void LanBeacon::set_record(Now now, Bytes record) {
  record_ = std::move(record);
  begin_burst(now);
}

void LanBeacon::network_changed(Now now) {
  begin_burst(now);
}

void LanBeacon::begin_burst(Now now) {
  if (record_.empty()) return;
  burst_left_ = kBeaconBurst;
  due_ = std::max(now.steady, sent_.value_or(now.steady - kBeaconSpacingMin) + kBeaconSpacingMin);
}

void LanBeacon::welcome(Now now) {
  if (record_.empty()) return;
  const TimePoint soon = now.steady + random_between(random_, 0s, kBeaconWelcomeSpread);
  const TimePoint earliest = sent_ ? *sent_ + kBeaconSpacingMin : soon;
  due_ = std::min(due_.value_or(soon), std::max(soon, earliest));
}

std::optional<Bytes> LanBeacon::handle_datagram(Now now, ByteView datagram) {
  if (datagram.size() != rendezvous::kBeaconBytes) return std::nullopt;
  if (known_.contains(now.steady, name_of(datagram))) return std::nullopt;
  auto record = rendezvous::open_beacon(keys_, frame_keys_, hour_of(now.wall), datagram);
  if (!record || !heard_.take(now.steady, kBeaconsHeard)) return std::nullopt;
  known_.remember(now.steady, name_of(datagram));
  return record;
}

std::optional<TimePoint> LanBeacon::next_timeout() const {
  return due_;
}

std::optional<Bytes> LanBeacon::poll_beacon(Now now) {
  if (!due_ || now.steady < *due_) return std::nullopt;
  sent_ = now.steady;
  if (burst_left_ > 0) --burst_left_;
  due_ = now.steady + (burst_left_ > 0
                           ? kBeaconSpacing
                           : random_between(random_, kBeaconPauseShortest, kBeaconPauseLongest));
  Bytes beacon = rendezvous::encode_beacon(keys_, frame_keys_, hour_of(now.wall), record_, random_);
  known_.remember(now.steady, name_of(beacon));  // the link may bring it back
  return beacon;
}

}  // namespace kadwire::node
