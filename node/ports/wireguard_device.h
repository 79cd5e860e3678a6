#pragma once

/// PORT: one WireGuard interface: its peers, its addresses, and what it knows of its tunnels.
/// Implementations: wireguard-go through its UAPI socket (adapters/), later kernel WireGuard by
/// netlink, and the simulator's model. Nothing here waits: results arrive as events.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/node_identity.h"
#include "crypto/secret_bytes.h"
#include "node/base/endpoint.h"
#include "node/base/time.h"

namespace kadwire::node {

/// A peer as WireGuard is told of it, without its pre-shared key.
struct PeerConfig {
  crypto::WireguardKey key;
  std::optional<Endpoint> endpoint;    ///< nullopt: leave as it is; roaming decides
  std::vector<Prefix> allowed_ips;     ///< sorted, complete: replaces what was there
  std::chrono::seconds keepalive{0};   ///< persistent keepalive; 0 is off
  bool operator==(const PeerConfig&) const = default;
};

/// Adds the peer or brings it to this configuration.
struct SetPeer {
  PeerConfig config;
  crypto::SecretBytes psk;
};
/// Removes and adds the peer again: the one way to make WireGuard initiate a handshake at once after
/// an earlier initiation went unanswered. Loses the peer's counters.
struct RenewPeer {
  PeerConfig config;
  crypto::SecretBytes psk;
};
struct RemovePeer {
  crypto::WireguardKey key;
};
using PeerChange = std::variant<SetPeer, RenewPeer, RemovePeer>;

struct PeerStatus {
  crypto::WireguardKey key;
  std::optional<Endpoint> endpoint;
  std::vector<Prefix> allowed_ips;     ///< sorted
  std::chrono::seconds keepalive{0};
  std::optional<WallTime> last_handshake;  ///< nullopt: never
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
};

/// The whole device at one moment.
struct DeviceSnapshot {
  std::vector<PeerStatus> peers;
};
/// One change was refused by the device; the others went on.
struct ChangeFailed {
  crypto::WireguardKey key;
  std::string reason;
};
/// The data plane ended (its process died, its interface was removed). A new one may follow.
struct DeviceLost {
  std::string reason;
};
/// The data plane was started again, empty, and perhaps on another port.
struct DeviceReady {
  std::uint16_t listen_port = 0;
};
using DeviceEvent = std::variant<DeviceSnapshot, ChangeFailed, DeviceLost, DeviceReady>;

class WireguardDevice {
 public:
  using Handler = std::function<void(DeviceEvent)>;
  virtual ~WireguardDevice() = default;
  /// Begins to deliver events, never from inside another call; called once.
  virtual void start(Handler handler) = 0;
  /// In order; each change stands alone, a refused one never stops the others.
  virtual void apply(std::vector<PeerChange> changes) = 0;
  /// Answered by a DeviceSnapshot that reflects every change applied before.
  virtual void request_snapshot() = 0;
  /// The interface's addresses with their prefix lengths, replacing all others of its own.
  virtual void set_addresses(std::vector<Prefix> addresses) = 0;
  [[nodiscard]] virtual std::uint16_t listen_port() const = 0;
};

}  // namespace kadwire::node
