#pragma once

/// The WireguardDevice of wireguard-go: starts or adopts the process, talks to it over its UAPI
/// socket, sets up the interface by netlink, and starts the process again when it dies.
/// Changes go out up to 64 to a request. A request that the device refuses is repeated change by
/// change, so that one bad peer costs only itself.

#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "crypto/secret_bytes.h"
#include "node/adapters/wireguard_go_process.h"
#include "node/ports/wireguard_device.h"

namespace kadwire::node {

/// Changes in one request: keeps a request within milliseconds, so that snapshots are not held up.
inline constexpr std::size_t kChangesPerRequestMax = 64;
/// Changes that wait for the device; more than any mesh has peers.
inline constexpr std::size_t kChangesQueuedMax = 8192;
/// wireguard-go is started again after this long, twice as long each time, at most
/// kRestartDelayMax.
inline constexpr auto kRestartDelayMin = std::chrono::seconds(1);
inline constexpr auto kRestartDelayMax = std::chrono::seconds(30);

struct WireguardGoOptions {
  std::string interface;
  crypto::SecretBytes private_key;       ///< 32 bytes
  std::uint16_t listen_port = 51820;     ///< the next free of 100 if it is taken
  std::uint32_t mtu_bytes = 1420;        ///< 1500 less WireGuard's overhead over IPv6
  std::string program = "wireguard-go";  ///< a name to find in PATH, or a path
  /// Added to the times of handshakes, which WireGuard takes from the machine's wall clock: the
  /// same as the scheduler's, so that the two can be compared.
  std::chrono::milliseconds clock_offset{0};
};

class WireguardGoDevice final : public WireguardDevice {
 public:
  /// Brings the interface up; blocks for some 20 ms, at most a few seconds. An interface that
  /// stands already with our private key is adopted with its peers, tunnels and port; any other is
  /// refused and left as it is. Errors: no permission, no /dev/net/tun, no wireguard-go, a foreign
  /// interface, no free port; each a sentence that says what to do. `context` must outlive this
  /// object; everything after open happens on its one thread.
  [[nodiscard]] static tl::expected<std::unique_ptr<WireguardGoDevice>, DeviceError> open(
      asio::io_context& context, WireguardGoOptions options);
  /// Without close(), the interface and its tunnels stay, for the next run to adopt.
  ~WireguardGoDevice() override;

  /// While the process is lost every change is answered with ChangeFailed; after DeviceReady the
  /// device is empty but for its addresses, and listen_port() may have changed.
  /// An address that is refused is a ChangeFailed with the all-zero key.
  void start(Handler handler) override;
  void apply(std::vector<PeerChange> changes) override;
  /// Held until the device answers: a process that hangs, or is started again, delays it.
  void request_snapshot() override;
  void set_addresses(std::vector<Prefix> addresses) override;
  [[nodiscard]] std::uint16_t listen_port() const override;

  /// What an operator should know about how it came up, a sentence each; usually empty.
  [[nodiscard]] const std::vector<std::string>& notes() const;
  [[nodiscard]] bool adopted() const;
  /// Ends the process and with it the interface; blocks until both are gone, some 30 ms, at most 2
  /// s. No event follows. Safe to call again.
  void close();

 private:
  struct Core;
  explicit WireguardGoDevice(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;  ///< with its two coroutines, which end when it is closed
};

}  // namespace kadwire::node
