#pragma once

/// A WireGuard interface in virtual time, modelled on wireguard-go: no cryptography, real sizes,
/// and the timers that decide how fast tunnels form, stand and fall (WireGuard paper §6). Its
/// messages are datagrams; whoever owns it carries them.
///   - A fresh peer with an endpoint and a keepalive initiates at once; an endpoint alone does not.
///   - An unanswered initiation is repeated after 5 s and up to a third of a second more, 20 in
///   all.
///   - No other leaves within 5 s of the peer's last initiation or response: neither setting the
///     endpoint again nor data makes one come sooner; removing the peer and adding it again does.
///   - A responder that does not know the peer stays silent. One with another pre-shared key
///     answers, and the initiator drops the answer: only the response is bound to that key.
///   - An initiation that arrives while one's own is under way destroys one's own: two that cross
///     destroy each other.
///   - The responder may send only after data under the new session arrived.
///   - Whoever initiated rekeys after 120 s of use; a session is refused after 180 s.
///   - Authenticated packets move the peer's endpoint. After a change of the host's addresses
///     nothing leaves for a peer that was heard from (wireguard-go caches the address it answers
///     from) until an endpoint is set again, or a handshake is repeated for want of an answer.
///   - Setting an allowed IP takes it from the peer that had it.
/// tests/integration holds it against wireguard-go itself.
/// Deviations: a packet is opaque and carries no source address; it counts as coming from the
/// sender's own address of the target's family. What the sender cannot carry counts as sent.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "node/ports/wireguard_device.h"
#include "tools/testnet/nodes/host_timers.h"
#include "tools/testnet/nodes/simulated_peer.h"

namespace kadwire::testnet {

/// A request over wireguard-go's socket is answered about this much later.
inline constexpr auto kDeviceReplyDelay = 1ms;
/// As node::kRestartDelayMin, after which a data plane that died is started again. Production
/// doubles it each time; here it stays.
inline constexpr auto kDeviceRestartDelay = 1s;

struct SimulatedDeviceOptions {
  crypto::WireguardKey key;  ///< own public key
  std::uint16_t listen_port = 51820;
};

class SimulatedDevice final : public node::WireguardDevice {
 public:
  /// Carries a datagram from the listen port, and from this address by the interface that has it;
  /// nullopt: as routing chooses.
  using Sender = std::function<void(Transmit transmit, const std::optional<IpAddress>& source)>;
  /// A packet came out of the tunnel, from an address the peer may use.
  using PacketHandler = std::function<void(const IpAddress& from, ByteView packet)>;

  /// This side may now send to the peer under a session it could not use before. For observers.
  using SessionHandler = std::function<void(const crypto::WireguardKey& peer)>;
  /// The daemon changes a peer: called before the change is made. For observers.
  using ChangeObserver = std::function<void(const node::PeerChange& change)>;

  /// `timers` and `random` outlive the device.
  SimulatedDevice(SimulatedDeviceOptions options, HostTimers& timers, RandomSource& random,
                  Sender sender);

  /// Again after detach(): a new daemon adopts the device.
  void start(Handler handler) override;
  /// Takes effect at once. While the data plane is gone each change is answered with ChangeFailed.
  void apply(std::vector<node::PeerChange> changes) override;
  void request_snapshot() override;
  void set_addresses(std::vector<Prefix> addresses) override;
  [[nodiscard]] std::uint16_t listen_port() const override;

  void set_packet_handler(PacketHandler handler);
  void set_session_handler(SessionHandler handler);
  void set_change_observer(ChangeObserver observer);
  /// `at`: the own address that it came to.
  void handle_datagram(const Endpoint& from, ByteView datagram, const IpAddress& at = {});
  /// Puts a packet (1 to kTunnelMtuBytes, headers included) into the tunnel of whoever has `to`
  /// among its allowed IPs; it waits there for a session. False if nobody has it, or the interface
  /// has no address of that family.
  bool send_packet(const IpAddress& to, ByteView packet);

  /// The daemon is gone: the device goes on by itself, and nobody is told anything.
  void detach();
  /// The data plane's process dies with all its peers, and is started again after a second.
  void crash();
  /// The host's addresses changed: whether one is the host's now.
  void addresses_changed(const std::function<bool(const IpAddress&)>& is_own);

  // For observers.
  [[nodiscard]] const crypto::WireguardKey& key() const;
  [[nodiscard]] const std::vector<Prefix>& addresses() const;
  [[nodiscard]] node::DeviceSnapshot snapshot() const;
  [[nodiscard]] std::size_t peer_count() const { return peers_.size(); }
  /// When data of this peer was last accepted, by the host's steady clock; nullopt: never since it
  /// was set, or there is no such peer.
  [[nodiscard]] std::optional<TimePoint> heard_at(const crypto::WireguardKey& peer) const;
  /// Where packets to this peer go; nullopt: nowhere, or there is no such peer.
  [[nodiscard]] std::optional<Endpoint> sends_to(const crypto::WireguardKey& peer) const;
  /// True if data sent now, by either side, would be accepted by the other.
  [[nodiscard]] bool shares_session_with(const SimulatedDevice& other) const;
  /// Two peers with one address, or a peer with our own, told in words; empty: never happened.
  [[nodiscard]] const std::string& overlap() const { return overlap_; }

 private:
  struct Entry {
    std::unique_ptr<SimulatedPeer> peer;
    std::vector<Prefix> told;  ///< allowed IPs as last set; some may have been taken since
  };

  void set(const node::PeerConfig& config, ByteView psk);
  void remove(const crypto::WireguardKey& key);
  void set_allowed_ips(const crypto::WireguardKey& key, Entry& entry, std::vector<Prefix> prefixes);
  void restart_data_plane();
  void look_for_overlap_soon();
  void look_for_overlap();
  /// Runs `task` a moment later if the daemon is still there.
  void answer(EventQueue::Task task);

  using Arrival = SimulatedPeer::Arrival;
  void receive(const Arrival& arrival, const InitiationMessage& message);
  void receive(const Arrival& arrival, const ResponseMessage& message);
  void receive(const Arrival& arrival, const DataMessage& message);
  [[nodiscard]] const SimulatedPeer* find(const crypto::WireguardKey& key) const;
  /// The peer's address that a packet came from; nullopt: none that it may use.
  [[nodiscard]] std::optional<IpAddress> source_of(std::uint32_t tag,
                                                   const crypto::WireguardKey& key) const;
  [[nodiscard]] bool owns(const crypto::WireguardKey& key, const Prefix& prefix) const;
  [[nodiscard]] const crypto::WireguardKey* owner_of(const IpAddress& address) const;

  const SimulatedDeviceOptions options_;
  HostTimers& timers_;
  RandomSource& random_;
  const Sender sender_;
  Handler handler_;  ///< none: there is no daemon
  PacketHandler packet_handler_;
  SessionHandler session_handler_;
  ChangeObserver change_observer_;
  std::vector<Prefix> addresses_;
  std::map<crypto::WireguardKey, Entry> peers_;
  std::map<std::uint32_t, crypto::WireguardKey> indices_;
  std::map<Prefix, crypto::WireguardKey> allowed_ips_;
  std::uint32_t last_index_ = 0;
  bool lost_ = false;
  bool snapshot_owed_ = false;          ///< asked for while the data plane was gone
  std::map<Prefix, std::size_t> told_;  ///< by how many peers
  std::vector<Prefix> newly_told_;      ///< not looked at yet
  bool overlap_look_due_ = false;
  std::string overlap_;
  Lifetime lifetime_;
  Lifetime daemon_;  ///< of the one that listens now
};

}  // namespace kadwire::testnet
