#include "node/data_plane.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/base/queue.h"
#include "node/reconciler.h"

namespace kadwire::node {

DataPlane::DataPlane(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
                     RandomSource& random, PeerTable& peers, bool adopted, Now now)
    : keys_(keys), identity_(identity), random_(random), peers_(peers), seen_(!adopted) {
  if (adopted) ask_snapshot(now);
}

void DataPlane::handle_event(Now now, const DeviceEvent& event) {
  if (const auto* snapshot = std::get_if<DeviceSnapshot>(&event)) {
    on_snapshot(now, *snapshot);
  } else if (const auto* failed = std::get_if<ChangeFailed>(&event)) {
    notice(Notice::Level::kWarning, fmt::format("wireguard refused peer={} reason=\"{}\"",
                                                failed->key.to_base64(), failed->reason));
  } else if (const auto* lost = std::get_if<DeviceLost>(&event)) {
    device_up_ = false;
    notice(Notice::Level::kWarning, fmt::format("wireguard lost reason=\"{}\"", lost->reason));
  } else {
    on_ready(now);
  }
}

void DataPlane::handle_timeout(Now now) {
  if (stopped_ || !device_up_) return;
  dial(now, false);
  const auto due = next_timeout();
  if (due && now.steady >= *due) ask_snapshot(now);
}

void DataPlane::peers_changed(Now now) {
  dial(now, false);
  reconcile();
}

/// wireguard-go keeps sending from an address that is gone until the endpoint is set again. A
/// tunnel that is not known to stand may have come up since it was last looked at: those are
/// dialled only after the next snapshot.
void DataPlane::addresses_changed(Now now) {
  ApplyPeers apply;
  moved_ = true;
  for (auto& [node, row] : peers_.rows()) {
    if (row.tunnel.up()) {
      tell_endpoint(apply, row, row.status ? row.status->endpoint : std::nullopt);
    } else {
      row.tunnel.dial_soon(now.steady);
    }
  }
  if (!idle()) submit(std::move(apply));
}

void DataPlane::set_path(Now now, const crypto::NodeId& node, const Tunnel::Path& path) {
  const auto found = peers_.rows().find(node);
  if (found == peers_.rows().end()) return;
  PeerRow& row = found->second;
  row.tunnel.set_path(now.steady, path);
  if (!row.tunnel.up()) return dial(now, false);
  if (idle() || (row.status && row.status->endpoint == path.endpoint)) return;
  ApplyPeers apply;
  tell_endpoint(apply, row, path.endpoint);
  submit(std::move(apply));
}

void DataPlane::handle_resume(Now now, Duration asleep) {
  for (auto& [node, row] : peers_.rows()) row.tunnel.handle_resume(now.steady, asleep);
}

void DataPlane::set_keepalive(std::chrono::seconds keepalive) {
  keepalive_ = keepalive;
  for (auto& [node, row] : peers_.rows()) row.tunnel.set_keepalive(keepalive);
  reconcile();
}

void DataPlane::tell_endpoint(ApplyPeers& apply, const PeerRow& row,
                              const std::optional<Endpoint>& endpoint) const {
  if (!endpoint) return;
  PeerConfig config = desired(row);
  config.endpoint = endpoint;
  apply.changes.push_back(SetPeer{std::move(config), psk(row.record().wireguard_key)});
}

/// A persistent keepalive that is switched on sends one at once, in wireguard-go as in the kernel.
void DataPlane::nudge(ApplyPeers& apply, const PeerRow& row) const {
  PeerConfig off = desired(row);
  off.keepalive = std::chrono::seconds(0);
  apply.changes.push_back(SetPeer{std::move(off), psk(row.record().wireguard_key)});
  apply.changes.push_back(SetPeer{desired(row), psk(row.record().wireguard_key)});
}

std::optional<TimePoint> DataPlane::next_timeout() const {
  if (stopped_ || !device_up_) return std::nullopt;
  if (snapshot_asked_) return *snapshot_asked_ + kSnapshotPatience;
  std::optional<TimePoint> earliest;
  if (!strangers_.empty()) earliest = next_stranger_look_;
  for (const auto& [node, row] : peers_.rows()) {
    earliest = std::min(earliest.value_or(TimePoint::max()), row.tunnel.next_status());
  }
  return earliest;
}

std::optional<Action> DataPlane::poll_action() {
  return take_front(actions_);
}

std::optional<DataPlane::Traffic> DataPlane::poll_traffic() {
  return take_front(traffic_);
}

void DataPlane::on_snapshot(Now now, const DeviceSnapshot& snapshot) {
  snapshot_asked_.reset();
  if (changed_since_asked_) return ask_snapshot(now);  // it may not show the change
  actual_ = snapshot.peers;
  watch_strangers(now);
  seen_ = true;
  ApplyPeers apply;
  for (auto& [node, row] : peers_.rows()) {
    const auto found = std::ranges::find(actual_, row.record().wireguard_key, &PeerStatus::key);
    const bool was_up = row.tunnel.up();
    row.status = found == actual_.end() ? std::nullopt : std::optional(*found);
    const Tunnel::Traffic traffic =
        row.tunnel.handle_status(now.steady, row.status ? &*row.status : nullptr);
    if (traffic != Tunnel::Traffic{}) traffic_.push_back({node, traffic});
    tell_endpoint(apply, row, row.tunnel.astray(now.steady));
    if (row.tunnel.take_nudge(now.steady)) nudge(apply, row);
    if (row.tunnel.up() == was_up) continue;
    if (moved_ && !was_up && row.status) tell_endpoint(apply, row, row.status->endpoint);
    notice(Notice::Level::kInfo,
           fmt::format("tunnel {} node={}", was_up ? "silent" : "up", node.short_form()));
  }
  moved_ = false;
  submit(std::move(apply));
  dial(now, true);
  reconcile();
}

void DataPlane::on_ready(Now now) {
  device_up_ = true;
  seen_ = true;  // there is nothing to see
  actual_.clear();
  strangers_.clear();
  snapshot_asked_.reset();
  for (auto& [node, row] : peers_.rows()) {
    row.status.reset();
    row.tunnel.reset(now.steady);
  }
  notice(Notice::Level::kInfo, "wireguard ready");
  peers_changed(now);
}

/// A dial is a renewal of the peer. Without fresh statuses only peers never dialled may be renewed:
/// any other might have come up unseen, and renewing would tear it down.
void DataPlane::dial(Now now, bool statuses_fresh) {
  if (idle()) return;
  ApplyPeers apply;
  for (auto& [node, row] : peers_.rows()) {
    if (!statuses_fresh && !row.tunnel.may_dial_unseen(now.steady)) continue;
    const auto endpoint = row.tunnel.dial(now.steady, random_);
    if (!endpoint) continue;
    PeerConfig config = desired(row);
    config.endpoint = endpoint;
    note_applied(config);
    apply.changes.push_back(RenewPeer{std::move(config), psk(row.record().wireguard_key)});
    notice(Notice::Level::kDebug,
           fmt::format("dial node={} endpoint={}", node.short_form(), endpoint->to_string()));
  }
  submit(std::move(apply));
}

void DataPlane::reconcile() {
  if (idle()) return;
  std::vector<PeerConfig> wanted;
  for (const auto& [node, row] : peers_.rows()) wanted.push_back(desired(row));
  PeerDifference changes = difference(wanted, actual_);
  ApplyPeers apply;
  for (const PeerConfig& config : wanted) strangers_.erase(config.key);
  for (const crypto::WireguardKey& key : changes.remove) {
    if (strangers_.contains(key)) continue;
    std::erase_if(actual_, [&](const PeerStatus& status) { return status.key == key; });
    apply.changes.push_back(RemovePeer{key});
  }
  for (PeerConfig& config : changes.set) {
    note_applied(config);
    crypto::SecretBytes shared = psk(config.key);
    apply.changes.push_back(SetPeer{std::move(config), std::move(shared)});
  }
  submit(std::move(apply));
}

/// Forgets those that have fallen silent, so that they are removed.
void DataPlane::watch_strangers(Now now) {
  for (const PeerStatus& status : actual_) {
    if (!seen_) strangers_[status.key] = {status.rx_bytes, now.steady};
    const auto found = strangers_.find(status.key);
    if (found == strangers_.end() || found->second.rx_bytes == status.rx_bytes) continue;
    found->second = {status.rx_bytes, now.steady};
  }
  std::erase_if(strangers_, [&](const auto& entry) {
    return now.steady - entry.second.heard >= kStrangerSilenceMax;
  });
  next_stranger_look_ = now.steady + kUpPoll;
}

void DataPlane::submit(ApplyPeers apply) {
  if (apply.changes.empty()) return;
  changed_since_asked_ = true;
  actions_.push_back(std::move(apply));
}

/// Until the next snapshot the device is taken to have done what it was told.
void DataPlane::note_applied(const PeerConfig& config) {
  std::erase_if(actual_, [&](const PeerStatus& status) { return status.key == config.key; });
  PeerStatus status;
  status.key = config.key;
  status.allowed_ips = config.allowed_ips;
  status.keepalive = config.keepalive;
  actual_.push_back(std::move(status));
}

void DataPlane::ask_snapshot(Now now) {
  snapshot_asked_ = now.steady;
  changed_since_asked_ = false;
  actions_.push_back(RequestSnapshot{});
}

PeerConfig DataPlane::desired(const PeerRow& row) const {
  PeerConfig config;
  config.key = row.record().wireguard_key;
  config.keepalive = row.tunnel.keepalive();
  if (row.holds_lease) config.allowed_ips.push_back(Prefix::of_host(*row.ipv4_claim));
  config.allowed_ips.push_back(Prefix::of_host(row.ipv6));
  return config;
}

crypto::SecretBytes DataPlane::psk(const crypto::WireguardKey& peer) const {
  return keys_.wireguard_psk(identity_.wireguard_key(), peer);
}

void DataPlane::notice(Notice::Level level, std::string text) {
  actions_.push_back(Notice{level, std::move(text)});
}

}  // namespace kadwire::node
