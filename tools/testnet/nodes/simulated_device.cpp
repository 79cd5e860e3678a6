#include "tools/testnet/nodes/simulated_device.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace kadwire::testnet {
namespace {

const crypto::WireguardKey& key_of(const node::PeerChange& change) {
  if (const auto* removal = std::get_if<node::RemovePeer>(&change)) return removal->key;
  const auto* renewal = std::get_if<node::RenewPeer>(&change);
  return renewal != nullptr ? renewal->config.key : std::get<node::SetPeer>(change).config.key;
}

}  // namespace

SimulatedDevice::SimulatedDevice(SimulatedDeviceOptions options, HostTimers& timers,
                                 RandomSource& random, Sender sender)
    : options_(options), timers_(timers), random_(random), sender_(std::move(sender)) {}

void SimulatedDevice::start(Handler handler) {
  handler_ = std::move(handler);
  lost_ = false;  // opening a device starts its process if there is none
}

void SimulatedDevice::detach() {
  handler_ = nullptr;
  snapshot_owed_ = false;
  daemon_.renew();
}

void SimulatedDevice::apply(std::vector<node::PeerChange> changes) {
  for (const node::PeerChange& change : changes) {
    if (change_observer_) change_observer_(change);
    if (lost_) {
      answer([this, key = key_of(change)] {
        handler_(node::ChangeFailed{key, "the process ended"});
      });
    } else if (const auto* removal = std::get_if<node::RemovePeer>(&change)) {
      remove(removal->key);
    } else if (const auto* renewal = std::get_if<node::RenewPeer>(&change)) {
      remove(renewal->config.key);
      set(renewal->config, renewal->psk.view());
    } else {
      const auto& setting = std::get<node::SetPeer>(change);
      set(setting.config, setting.psk.view());
    }
  }
  look_for_overlap_soon();
}

void SimulatedDevice::set(const node::PeerConfig& config, ByteView psk) {
  if (config.key == options_.key) return;
  Entry& entry = peers_[config.key];
  if (!entry.peer) {
    const SimulatedPeer::Surroundings around{options_.key, timers_, random_, sender_,
                                             session_handler_};
    entry.peer = std::make_unique<SimulatedPeer>(around, config.key, ++last_index_);
    indices_.emplace(last_index_, config.key);
  }
  set_allowed_ips(config.key, entry, config.allowed_ips);
  entry.peer->configure(config, psk);
}

void SimulatedDevice::remove(const crypto::WireguardKey& key) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;
  set_allowed_ips(key, found->second, {});
  indices_.erase(found->second.peer->index());
  peers_.erase(found);
}

void SimulatedDevice::set_allowed_ips(const crypto::WireguardKey& key, Entry& entry,
                                      std::vector<Prefix> prefixes) {
  for (const Prefix& prefix : entry.told) {
    if (owns(key, prefix)) allowed_ips_.erase(prefix);
    if (const auto found = told_.find(prefix); --found->second == 0) told_.erase(found);
  }
  for (Prefix& prefix : prefixes) {
    prefix = prefix.network();
    allowed_ips_.insert_or_assign(prefix, key);
    ++told_[prefix];
    newly_told_.push_back(prefix);
  }
  entry.told = std::move(prefixes);
}

void SimulatedDevice::request_snapshot() {
  if (lost_) {
    snapshot_owed_ = true;
  } else {
    answer([this] { handler_(snapshot()); });
  }
}

void SimulatedDevice::set_addresses(std::vector<Prefix> addresses) {
  addresses_ = std::move(addresses);
  look_for_overlap_soon();
}

std::uint16_t SimulatedDevice::listen_port() const {
  return options_.listen_port;
}

void SimulatedDevice::set_packet_handler(PacketHandler handler) {
  packet_handler_ = std::move(handler);
}

void SimulatedDevice::set_session_handler(SessionHandler handler) {
  session_handler_ = std::move(handler);
}

void SimulatedDevice::set_change_observer(ChangeObserver observer) {
  change_observer_ = std::move(observer);
}

void SimulatedDevice::answer(EventQueue::Task task) {
  timers_.after(kDeviceReplyDelay, lifetime_.guard(daemon_.guard([this, task = std::move(task)] {
    if (handler_) task();
  })));
}

void SimulatedDevice::crash() {
  peers_.clear();
  indices_.clear();
  allowed_ips_.clear();
  told_.clear();
  lost_ = true;
  answer([this] { handler_(node::DeviceLost{"the process ended"}); });
  timers_.after(kDeviceRestartDelay,
                lifetime_.guard(daemon_.guard([this] { restart_data_plane(); })));
}

/// The daemon's work: where there is none, nobody starts anything.
void SimulatedDevice::restart_data_plane() {
  if (!handler_) return;
  lost_ = false;
  const bool owed = std::exchange(snapshot_owed_, false);
  handler_(node::DeviceReady{listen_port()});
  if (owed) request_snapshot();
}

void SimulatedDevice::addresses_changed(const std::function<bool(const IpAddress&)>& is_own) {
  for (auto& [key, entry] : peers_) entry.peer->addresses_changed(is_own);
}

void SimulatedDevice::handle_datagram(const Endpoint& from, ByteView datagram,
                                      const IpAddress& at) {
  if (const auto message = decode(datagram)) {
    std::visit([&](const auto& each) { receive({from, at}, each); }, *message);
  }
}

void SimulatedDevice::receive(const Arrival& arrival, const InitiationMessage& message) {
  if (message.receiver != options_.key) return;
  const auto found = peers_.find(message.sender);
  if (found != peers_.end()) found->second.peer->handle_initiation(arrival, message);
}

void SimulatedDevice::receive(const Arrival& arrival, const ResponseMessage& message) {
  const auto index = indices_.find(message.receiver_index);
  if (index == indices_.end()) return;
  peers_.at(index->second).peer->handle_response(arrival, message);
}

void SimulatedDevice::receive(const Arrival& arrival, const DataMessage& message) {
  const auto index = indices_.find(message.receiver_index);
  if (index == indices_.end()) return;
  const auto packet = peers_.at(index->second).peer->handle_data(arrival, message);
  if (!packet || !packet_handler_) return;
  if (const auto source = source_of(packet->source_tag, index->second)) {
    packet_handler_(*source, packet->bytes);
  }
}

std::optional<IpAddress> SimulatedDevice::source_of(std::uint32_t tag,
                                                    const crypto::WireguardKey& key) const {
  for (const Prefix& prefix : peers_.at(key).told) {
    if (owns(key, prefix) && source_tag(prefix.address) == tag) return prefix.address;
  }
  return std::nullopt;
}

bool SimulatedDevice::owns(const crypto::WireguardKey& key, const Prefix& prefix) const {
  const auto found = allowed_ips_.find(prefix);
  return found != allowed_ips_.end() && found->second == key;
}

bool SimulatedDevice::send_packet(const IpAddress& to, ByteView packet) {
  assert(!packet.empty() && packet.size() <= kTunnelMtuBytes);
  const auto own = std::ranges::find(addresses_, to.family(),
                                     [](const Prefix& each) { return each.address.family(); });
  const crypto::WireguardKey* owner = owner_of(to);
  if (own == addresses_.end() || owner == nullptr) return false;
  peers_.at(*owner).peer->send_packet(
      {source_tag(own->address), Bytes(packet.begin(), packet.end())});
  return true;
}

/// The longest prefix decides; hosts' own are the longest, and nearly all there are.
const crypto::WireguardKey* SimulatedDevice::owner_of(const IpAddress& address) const {
  const auto exact = allowed_ips_.find(Prefix::of_host(address));
  if (exact != allowed_ips_.end()) return &exact->second;
  const std::pair<const Prefix, crypto::WireguardKey>* best = nullptr;
  for (const auto& entry : allowed_ips_) {
    const bool longer = best == nullptr || entry.first.length > best->first.length;
    if (longer && entry.first.contains(address)) best = &entry;
  }
  return best == nullptr ? nullptr : &best->second;
}

const SimulatedPeer* SimulatedDevice::find(const crypto::WireguardKey& key) const {
  const auto found = peers_.find(key);
  return found == peers_.end() ? nullptr : found->second.peer.get();
}

const crypto::WireguardKey& SimulatedDevice::key() const {
  return options_.key;
}

const std::vector<Prefix>& SimulatedDevice::addresses() const {
  return addresses_;
}

std::optional<TimePoint> SimulatedDevice::heard_at(const crypto::WireguardKey& peer) const {
  const SimulatedPeer* found = find(peer);
  return found == nullptr ? std::nullopt : found->heard_at();
}

std::optional<Endpoint> SimulatedDevice::sends_to(const crypto::WireguardKey& peer) const {
  const SimulatedPeer* found = find(peer);
  return found == nullptr ? std::nullopt : found->status().endpoint;
}

node::DeviceSnapshot SimulatedDevice::snapshot() const {
  node::DeviceSnapshot snapshot;
  for (const auto& [key, entry] : peers_) {
    node::PeerStatus status = entry.peer->status();
    for (const Prefix& prefix : entry.told) {
      if (owns(key, prefix)) status.allowed_ips.push_back(prefix);
    }
    std::ranges::sort(status.allowed_ips);
    snapshot.peers.push_back(std::move(status));
  }
  return snapshot;
}

bool SimulatedDevice::shares_session_with(const SimulatedDevice& other) const {
  const SimulatedPeer* there = find(other.options_.key);
  const SimulatedPeer* here = other.find(options_.key);
  if (there == nullptr || here == nullptr) return false;
  const auto outward = there->sending_session();
  const auto inward = here->sending_session();
  return outward && inward && here->accepts_session(*outward) && there->accepts_session(*inward);
}

void SimulatedDevice::look_for_overlap_soon() {
  if (std::exchange(overlap_look_due_, true)) return;
  timers_.after(0s, lifetime_.guard([this] { look_for_overlap(); }));
}

/// Run once a moment's changes are all made: what peers were told, not what taking left to them.
void SimulatedDevice::look_for_overlap() {
  overlap_look_due_ = false;
  for (const Prefix& prefix : std::exchange(newly_told_, {})) {
    const auto found = told_.find(prefix);
    if (found != told_.end() && found->second > 1) {
      overlap_ = "two peers have " + prefix.to_string();
    }
  }
  for (const Prefix& own : addresses_) {
    const Prefix host = Prefix::of_host(own.address);
    if (told_.contains(host)) overlap_ = "a peer was given this node's own " + host.to_string();
  }
}

}  // namespace kadwire::testnet
