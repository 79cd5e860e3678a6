#pragma once

/// A WireGuard interface in virtual time, modelled on wireguard-go: no cryptography, real sizes, and
/// the timers that decide how fast tunnels form, stand and fall (WireGuard paper §6). Its messages
/// are datagrams; whoever owns it carries them.
///   - A fresh peer with an endpoint and a keepalive initiates at once; an endpoint alone does not.
///   - An unanswered initiation is repeated after 5 s and up to a third of a second more, for 90 s.
///   - A responder that does not know the peer, or has another pre-shared key, stays silent.
///   - An initiation that arrives while one's own is under way destroys one's own: two that cross
///     destroy each other.
///   - The responder may send only after data under the new session arrived.
///   - The initiator rekeys after 120 s of use; a session is refused after 180 s.
///   - Authenticated packets move the peer's endpoint. After a change of the host's addresses
///     nothing leaves until an endpoint is set again (wireguard-go's cached source address).
///   - Setting an allowed IP takes it from the peer that had it.
/// tests/integration holds it against wireguard-go itself.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "node/ports/wireguard_device.h"
#include "tools/testnet/nodes/host_timers.h"

namespace kadwire::testnet {

struct SimulatedDeviceOptions {
  crypto::WireguardKey key;        ///< own public key
  std::uint16_t listen_port = 51820;
};

class SimulatedDevice final : public node::WireguardDevice {
 public:
  /// Carries a datagram from the listen port.
  using Sender = std::function<void(Transmit transmit)>;
  /// A packet came out of the tunnel, from an address the peer may use.
  using PacketHandler = std::function<void(const IpAddress& from, ByteView packet)>;

  /// This side may now send to the peer under a session it could not use before. For observers.
  using SessionHandler = std::function<void(const crypto::WireguardKey& peer)>;

  /// `timers` and `random` outlive the device.
  SimulatedDevice(SimulatedDeviceOptions options, HostTimers& timers, RandomSource& random,
                  Sender sender);

  void start(Handler handler) override;
  void apply(std::vector<node::PeerChange> changes) override;
  void request_snapshot() override;
  void set_addresses(std::vector<Prefix> addresses) override;
  [[nodiscard]] std::uint16_t listen_port() const override;

  void set_packet_handler(PacketHandler handler);
  void set_session_handler(SessionHandler handler);
  void handle_datagram(const Endpoint& from, ByteView datagram);
  /// Puts a packet into the tunnel of whoever has `to` among its allowed IPs; it waits there for a
  /// session. False if nobody has it.
  bool send_packet(const IpAddress& to, ByteView packet);

  /// The daemon is gone: the device goes on by itself, and nobody is told anything.
  void detach();
  /// The data plane's process dies with all its peers, and is started again after a second.
  void crash();
  /// The host's addresses changed.
  void addresses_changed();

  // For observers.
  [[nodiscard]] const crypto::WireguardKey& key() const;
  [[nodiscard]] const std::vector<Prefix>& addresses() const;
  [[nodiscard]] node::DeviceSnapshot snapshot() const;
  /// True if a session stands that both sides would use to send.
  [[nodiscard]] bool shares_session_with(const SimulatedDevice& other) const;
  /// Two peers with one address, or a peer with our own, told in words; empty: never happened.
  [[nodiscard]] const std::string& overlap() const;
};

}  // namespace kadwire::testnet
