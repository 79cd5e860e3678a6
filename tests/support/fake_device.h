#pragma once

/// A small model of WireGuard and of the network under it, in virtual time. What it keeps of the
/// real one is what decides how fast tunnels form:
///   - a fresh peer with an endpoint and a keepalive initiates a handshake at once, any other peer
///     only when its 5 s retry or its keepalive says so;
///   - a responder that does not know the peer drops its initiation;
///   - an initiation that arrives while one's own is under way destroys one's own, so two that
///   cross
///     destroy each other;
///   - the responder counts a handshake only when data under the new session arrived;
///   - after a change of the host's addresses nothing leaves until an endpoint is set again;
///   - setting an allowed IP takes it from the peer that had it.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/ports/wireguard_device.h"
#include "tools/testnet/event_queue.h"

namespace kadwire::testing {

using testnet::EventQueue;
using testnet::Lifetime;

class FakeDevice;

/// A WireGuard message, as far as the model needs it.
struct TunnelMessage {
  enum class Kind { kInitiation, kResponse, kData };
  Kind kind = Kind::kInitiation;
  crypto::WireguardKey from;
  std::uint64_t session = 0;  ///< of the handshake it belongs to
  Bytes psk;
};

/// Carries messages between devices by endpoint.
class Underlay {
 public:
  explicit Underlay(EventQueue& queue) : queue_(queue) {}

  Duration delay = 20ms;  ///< one way
  /// True for a message that is to be lost.
  std::function<bool(const FakeDevice& from, const Endpoint& to)> lose;
  /// Every endpoint anything was ever sent to, and how often.
  std::map<Endpoint, std::size_t> sent_to;

  void send(const FakeDevice& from, const Endpoint& to, TunnelMessage message);

 private:
  friend class FakeDevice;
  EventQueue& queue_;
  std::vector<FakeDevice*> devices_;
  std::uint64_t last_session_ = 0;
};

class FakeDevice final : public node::WireguardDevice {
 public:
  FakeDevice(EventQueue& queue, Underlay& underlay, const crypto::WireguardKey& key,
             std::vector<IpAddress> host_addresses)
      : queue_(queue), underlay_(underlay), key_(key), host_addresses_(std::move(host_addresses)) {
    underlay_.devices_.push_back(this);
  }
  FakeDevice(const FakeDevice&) = delete;
  FakeDevice& operator=(const FakeDevice&) = delete;
  ~FakeDevice() override { std::erase(underlay_.devices_, this); }

  void start(Handler handler) override { handler_ = std::move(handler); }
  void apply(std::vector<node::PeerChange> changes) override;
  void request_snapshot() override {
    ++snapshots_;
    if (!lost_) later([this] { handler_(snapshot()); });
  }
  void set_addresses(std::vector<Prefix> addresses) override { addresses_ = std::move(addresses); }
  [[nodiscard]] std::uint16_t listen_port() const override { return kPort; }

  /// The daemon was killed: the device goes on by itself, and nobody is told anything.
  void detach() { handler_ = nullptr; }
  /// The data plane's process dies with all its peers, and is started again after a second.
  void crash();
  /// The host moved to other addresses.
  void move_to(std::vector<IpAddress> host_addresses);

  /// True if a session with this peer stands: data sent under it would be accepted there too.
  [[nodiscard]] bool shares_session_with(const FakeDevice& other) const;
  [[nodiscard]] node::DeviceSnapshot snapshot() const;
  [[nodiscard]] const std::vector<Prefix>& addresses() const { return addresses_; }
  [[nodiscard]] const crypto::WireguardKey& key() const { return key_; }
  [[nodiscard]] std::uint64_t snapshots() const { return snapshots_; }
  [[nodiscard]] std::uint64_t renewals() const { return renewals_; }
  /// Endpoints set on peers that were there already.
  [[nodiscard]] std::uint64_t endpoints_set_again() const { return endpoints_set_again_; }
  /// What must never be: two peers given one address. Empty: it never was.
  [[nodiscard]] const std::string& overlap() const { return overlap_; }

  static constexpr std::uint16_t kPort = 51820;

 private:
  friend class Underlay;
  static constexpr Duration kRetry = 5s;
  static constexpr Duration kRekeyAfter = 120s;
  static constexpr Duration kRejectAfter = 180s;
  static constexpr int kAttemptsMax = 18;

  struct Session {
    std::uint64_t id = 0;
    TimePoint since;
    bool initiator = false;
  };
  struct Peer {
    node::PeerConfig config;
    std::vector<Prefix> told;  ///< allowed IPs as last set; config's lack what others took since
    Bytes psk;
    std::optional<Endpoint> endpoint;
    std::uint64_t incarnation = 0;     ///< timers of a removed peer find another number
    std::uint64_t own_initiation = 0;  ///< 0: none, or destroyed by the other side's
    std::uint64_t last_attempt = 0;
    int attempts = 0;  ///< 0: no handshake under way
    std::optional<Session> current, previous, next;
    std::optional<WallTime> last_handshake;
    std::uint64_t rx = 0, tx = 0;
    bool stuck = false;  ///< the source address it sends from is gone
  };

  template <typename Task>
  void later(Task task) {
    queue_.after(1ms, lifetime_.guard([this, task = std::move(task)] {
      if (handler_) task();
    }));
  }
  void set(node::PeerConfig config, const crypto::SecretBytes& psk);
  void take_allowed_ips(const node::PeerConfig& config);
  void check_overlap();
  void initiate(Peer& peer);
  void retry(const crypto::WireguardKey& key, std::uint64_t incarnation, std::uint64_t attempt);
  void tick(const crypto::WireguardKey& key, std::uint64_t incarnation);
  void send_data(Peer& peer);
  void send(Peer& peer, TunnelMessage::Kind kind, std::uint64_t session);
  void receive(const Endpoint& from, const TunnelMessage& message);
  void on_response(Peer& peer, const TunnelMessage& message);
  void on_data(Peer& peer, const Endpoint& from, const TunnelMessage& message);
  void establish(Peer& peer, Session session);
  [[nodiscard]] Peer* find(const crypto::WireguardKey& key, std::uint64_t incarnation);
  [[nodiscard]] bool owns(const Endpoint& endpoint) const {
    return endpoint.port == kPort && std::ranges::count(host_addresses_, endpoint.address) > 0;
  }

  EventQueue& queue_;
  Underlay& underlay_;
  crypto::WireguardKey key_;
  std::vector<IpAddress> host_addresses_;
  Handler handler_;
  Lifetime lifetime_;
  std::vector<Prefix> addresses_;
  std::map<crypto::WireguardKey, Peer> peers_;
  std::uint64_t last_incarnation_ = 0;
  bool lost_ = false;
  bool overlap_check_due_ = false;
  std::uint64_t snapshots_ = 0, renewals_ = 0, endpoints_set_again_ = 0;
  std::string overlap_;
};

inline void Underlay::send(const FakeDevice& from, const Endpoint& to, TunnelMessage message) {
  ++sent_to[to];
  const auto source = std::ranges::find(from.host_addresses_, to.address.family(),
                                        [](const IpAddress& each) { return each.family(); });
  if (source == from.host_addresses_.end() || (lose && lose(from, to))) return;
  const Endpoint reply_to{*source, FakeDevice::kPort};
  queue_.after(delay, [this, to, reply_to, message = std::move(message)] {
    const auto target =
        std::ranges::find_if(devices_, [&](FakeDevice* each) { return each->owns(to); });
    if (target != devices_.end()) (*target)->receive(reply_to, message);
  });
}

inline void FakeDevice::apply(std::vector<node::PeerChange> changes) {
  if (lost_) return;
  for (node::PeerChange& change : changes) {
    if (auto* removal = std::get_if<node::RemovePeer>(&change)) {
      peers_.erase(removal->key);
    } else if (auto* renewal = std::get_if<node::RenewPeer>(&change)) {
      ++renewals_;
      peers_.erase(renewal->config.key);
      set(std::move(renewal->config), renewal->psk);
    } else {
      auto& setting = std::get<node::SetPeer>(change);
      set(std::move(setting.config), setting.psk);
    }
  }
  if (std::exchange(overlap_check_due_, true)) return;
  queue_.after(0s, lifetime_.guard([this] { check_overlap(); }));
}

inline void FakeDevice::set(node::PeerConfig config, const crypto::SecretBytes& psk) {
  take_allowed_ips(config);
  const auto [entry, fresh] = peers_.try_emplace(config.key);
  Peer& peer = entry->second;
  if (fresh) peer.incarnation = ++last_incarnation_;
  if (config.endpoint) {
    endpoints_set_again_ += fresh ? 0 : 1;
    peer.endpoint = config.endpoint;
    peer.stuck = false;
  }
  const bool keepalive_begins = config.keepalive > 0s && peer.config.keepalive == 0s;
  peer.psk.assign(psk.view().begin(), psk.view().end());
  peer.told = config.allowed_ips;
  peer.config = std::move(config);
  if (keepalive_begins) tick(peer.config.key, peer.incarnation);
}

inline void FakeDevice::take_allowed_ips(const node::PeerConfig& config) {
  for (auto& [key, peer] : peers_) {
    if (key == config.key) continue;
    std::erase_if(peer.config.allowed_ips, [&](const Prefix& taken) {
      return std::ranges::count(config.allowed_ips, taken) > 0;
    });
  }
}

/// Run once a moment's changes are all made: what peers were told, not what taking left to them.
inline void FakeDevice::check_overlap() {
  overlap_check_due_ = false;
  std::map<Prefix, crypto::WireguardKey> owners;
  for (const auto& [key, peer] : peers_) {
    for (const Prefix& prefix : peer.told) {
      const bool own = std::ranges::any_of(
          addresses_, [&](const Prefix& each) { return each.address == prefix.address; });
      if (own) overlap_ = "a peer was given this node's own " + prefix.to_string();
      if (!owners.emplace(prefix, key).second) overlap_ = "two peers have " + prefix.to_string();
    }
  }
}

inline void FakeDevice::crash() {
  peers_.clear();
  lost_ = true;
  later([this] { handler_(node::DeviceLost{"the process ended"}); });
  queue_.after(1s, lifetime_.guard([this] {
    lost_ = false;
    if (handler_) handler_(node::DeviceReady{listen_port()});
  }));
}

inline void FakeDevice::move_to(std::vector<IpAddress> host_addresses) {
  host_addresses_ = std::move(host_addresses);
  for (auto& [key, peer] : peers_) peer.stuck = true;
}

inline bool FakeDevice::shares_session_with(const FakeDevice& other) const {
  const auto there = peers_.find(other.key_);
  const auto here = other.peers_.find(key_);
  return there != peers_.end() && here != other.peers_.end() && there->second.current &&
         here->second.current && there->second.current->id == here->second.current->id;
}

inline node::DeviceSnapshot FakeDevice::snapshot() const {
  node::DeviceSnapshot snapshot;
  for (const auto& [key, peer] : peers_) {
    node::PeerStatus status;
    status.key = key;
    status.endpoint = peer.endpoint;
    status.allowed_ips = peer.config.allowed_ips;
    status.keepalive = peer.config.keepalive;
    status.last_handshake = peer.last_handshake;
    status.rx_bytes = peer.rx;
    status.tx_bytes = peer.tx;
    snapshot.peers.push_back(std::move(status));
  }
  return snapshot;
}

inline void FakeDevice::initiate(Peer& peer) {
  if (!peer.endpoint) return;
  peer.own_initiation = peer.last_attempt = ++underlay_.last_session_;
  ++peer.attempts;
  send(peer, TunnelMessage::Kind::kInitiation, peer.own_initiation);
  const auto again = [this, key = peer.config.key, incarnation = peer.incarnation,
                      attempt = peer.last_attempt] { retry(key, incarnation, attempt); };
  queue_.after(kRetry, lifetime_.guard(again));
}

inline void FakeDevice::retry(const crypto::WireguardKey& key, std::uint64_t incarnation,
                              std::uint64_t attempt) {
  Peer* peer = find(key, incarnation);
  if (peer == nullptr || peer->attempts == 0 || peer->last_attempt != attempt) return;
  if (peer->attempts < kAttemptsMax) return initiate(*peer);
  peer->attempts = 0;
}

/// A keepalive is due: persistent ones are sent whether or not there is traffic.
inline void FakeDevice::tick(const crypto::WireguardKey& key, std::uint64_t incarnation) {
  Peer* peer = find(key, incarnation);
  if (peer == nullptr || peer->config.keepalive == 0s) return;
  send_data(*peer);
  queue_.after(peer->config.keepalive,
               lifetime_.guard([this, key, incarnation] { tick(key, incarnation); }));
}

inline void FakeDevice::send_data(Peer& peer) {
  if (peer.current && queue_.now() - peer.current->since >= kRejectAfter) peer.current.reset();
  if (peer.current) send(peer, TunnelMessage::Kind::kData, peer.current->id);
  const bool old =
      peer.current && peer.current->initiator && queue_.now() - peer.current->since >= kRekeyAfter;
  if ((!peer.current || old) && peer.attempts == 0) initiate(peer);
}

inline void FakeDevice::send(Peer& peer, TunnelMessage::Kind kind, std::uint64_t session) {
  if (!peer.endpoint || peer.stuck) return;
  peer.tx += kind == TunnelMessage::Kind::kData ? 32 : 148;
  underlay_.send(*this, *peer.endpoint, {kind, key_, session, peer.psk});
}

inline void FakeDevice::receive(const Endpoint& from, const TunnelMessage& message) {
  const auto found = peers_.find(message.from);
  if (found == peers_.end() || found->second.psk != message.psk) return;
  Peer& peer = found->second;
  switch (message.kind) {
    case TunnelMessage::Kind::kInitiation:
      peer.rx += 148;
      peer.endpoint = from;
      peer.stuck = false;
      peer.own_initiation = 0;
      peer.next = Session{message.session, queue_.now(), false};
      return send(peer, TunnelMessage::Kind::kResponse, message.session);
    case TunnelMessage::Kind::kResponse:
      return on_response(peer, message);
    case TunnelMessage::Kind::kData:
      return on_data(peer, from, message);
  }
}

inline void FakeDevice::on_response(Peer& peer, const TunnelMessage& message) {
  if (peer.own_initiation != message.session) return;
  peer.own_initiation = 0;
  peer.rx += 92;
  establish(peer, {message.session, queue_.now(), true});
  send(peer, TunnelMessage::Kind::kData, message.session);  // confirms the key to the responder
}

inline void FakeDevice::on_data(Peer& peer, const Endpoint& from, const TunnelMessage& message) {
  if (peer.next && peer.next->id == message.session) {
    const Session confirmed = *std::exchange(peer.next, std::nullopt);
    establish(peer, confirmed);
  }
  const bool current = peer.current && peer.current->id == message.session;
  const bool previous = peer.previous && peer.previous->id == message.session;
  if (!current && !previous) return;
  peer.rx += 32;
  peer.endpoint = from;
}

inline void FakeDevice::establish(Peer& peer, Session session) {
  peer.previous = std::exchange(peer.current, session);
  peer.attempts = 0;
  peer.last_handshake = queue_.reading().wall;
}

inline FakeDevice::Peer* FakeDevice::find(const crypto::WireguardKey& key,
                                          std::uint64_t incarnation) {
  const auto found = peers_.find(key);
  const bool same = found != peers_.end() && found->second.incarnation == incarnation;
  return same ? &found->second : nullptr;
}

}  // namespace kadwire::testing
