#pragma once

/// One peer of a simulated WireGuard interface: its handshake, sessions, timers and counters, after
/// wireguard-go's (WireGuard paper §5.4 and §6). Not here: which peer a message is for, allowed IPs
/// and what the daemon is told (simulated_device.h).
///
///   timer          runs out after          started by               stopped by
///   retry          5 s and up to 1/3 s     initiation sent          handshake complete
///   passive        10 s                    data received, if idle   anything sent
///   unheard        15 s and up to 1/3 s    data sent, if idle       anything received
///   persistent     the peer's keepalive    anything sent, received
///   forgetting     540 s                   session derived
/// "Data" has a packet in it; "anything" is every authenticated message.
/// Deviations: a replay window of 64 messages, where WireGuard has some 8000; sessions end by age
/// only, not after 2⁶⁰ messages.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "node/ports/wireguard_device.h"
#include "tools/testnet/nodes/host_timers.h"
#include "tools/testnet/nodes/restartable_timer.h"
#include "tools/testnet/nodes/wireguard_message.h"

namespace kadwire::testnet {

// WireGuard paper §6.1; the names are the paper's.
inline constexpr auto kRekeyTimeout = 5s;
inline constexpr auto kRekeyAfterTime = 120s;
inline constexpr auto kRejectAfterTime = 180s;
inline constexpr auto kKeepaliveTimeout = 10s;
inline constexpr auto kRekeyAttemptTime = 90s;
/// wireguard-go's RekeyTimeoutJitterMaxMs, less one: so two that crossed do not cross again.
inline constexpr auto kRekeyJitterMax = 333ms;
/// Initiations repeated before a handshake is given up, in wireguard-go's way of counting.
inline constexpr int kHandshakeRetriesMax = kRekeyAttemptTime / kRekeyTimeout + 1;
/// wireguard-go's HandshakeInitationRate: initiations of one peer closer together are dropped.
inline constexpr auto kInitiationIntervalMin = 20ms;
/// wireguard-go's QueueStagedSize; beyond it the oldest packet is lost.
inline constexpr std::size_t kStagedPacketsMax = 128;

class SimulatedPeer {
 public:
  /// What a peer has from its device; all of it outlives the peer.
  struct Surroundings {
    const crypto::WireguardKey& own_key;
    HostTimers& timers;
    RandomSource& random;
    const std::function<void(Transmit, const std::optional<IpAddress>& source)>& send;
    /// A session stands under which data can be sent; may be empty.
    const std::function<void(const crypto::WireguardKey& peer)>& session_made;
  };
  /// A packet for the tunnel, and what stands for its source address.
  struct Packet {
    std::uint32_t source_tag = 0;
    Bytes bytes;  ///< empty: a keepalive
  };

  /// Where a message came from, and to which of the own addresses.
  struct Arrival {
    Endpoint from;
    IpAddress at;
  };

  /// `index` is the device's number for this peer, never used again.
  SimulatedPeer(Surroundings around, const crypto::WireguardKey& key, std::uint32_t index);
  SimulatedPeer(const SimulatedPeer&) = delete;
  SimulatedPeer& operator=(const SimulatedPeer&) = delete;

  /// A keepalive that was off and is on now is sent at once.
  void configure(const node::PeerConfig& config, ByteView psk);
  /// Sends it, or keeps it until a session is there.
  void send_packet(Packet packet);
  void handle_initiation(const Arrival& arrival, const InitiationMessage& message);
  void handle_response(const Arrival& arrival, const ResponseMessage& message);
  /// The packet in it; nullopt: none, or the message was not accepted.
  [[nodiscard]] std::optional<Packet> handle_data(const Arrival& arrival, DataMessage message);
  /// The address that messages left from may be gone, or there again.
  void addresses_changed(const std::function<bool(const IpAddress&)>& is_own);

  [[nodiscard]] std::uint32_t index() const { return index_; }
  /// When data was last accepted, keepalives included; nullopt: never.
  [[nodiscard]] std::optional<TimePoint> heard_at() const { return heard_at_; }
  /// All but the allowed IPs.
  [[nodiscard]] node::PeerStatus status() const;
  /// The session that data would leave under now; nullopt: there is none.
  [[nodiscard]] std::optional<std::uint64_t> sending_session() const;
  /// True if data under this session would be accepted now.
  [[nodiscard]] bool accepts_session(std::uint64_t id) const;

 private:
  struct Session {
    std::uint64_t id = 0;
    TimePoint created;
    bool initiator = false;
    std::uint32_t remote_index = 0;
    std::uint64_t sent = 0;          ///< the next message's counter
    std::uint64_t newest = 0;        ///< counter received
    std::uint64_t received_map = 0;  ///< bit n: newest − n was received
  };
  enum class Reason { kNeeded, kRetry };

  void stage(Packet packet);
  void send_keepalive();
  void send_staged();
  void send_data(Packet packet);
  /// False if it could not leave.
  bool transmit(Bytes datagram);
  void initiate(Reason reason);
  void respond(const InitiationMessage& message);
  [[nodiscard]] bool is_new_initiation(const InitiationMessage& message) const;
  void use_to_send(const Session& session);
  void derive_as_initiator(const ResponseMessage& message);
  void derive_as_responder(const InitiationMessage& message);
  void confirm_next();
  [[nodiscard]] Session* find_session(std::uint64_t id);
  [[nodiscard]] static bool take_counter(Session& session, std::uint64_t counter);
  [[nodiscard]] bool expired(const Session& session) const;
  void learn_endpoint(const Arrival& arrival);
  void forget_source();
  [[nodiscard]] Duration jitter();

  // What WireGuard's timers are told, and what they do.
  void on_authenticated_sent();
  void on_authenticated_received();
  void on_handshake_complete();
  void refresh_after_sending();
  void refresh_after_receiving();
  void on_retry_due();
  void on_passive_keepalive_due();
  void on_unheard();
  void on_persistent_keepalive_due();
  void forget_sessions();

  Surroundings around_;
  const crypto::WireguardKey key_;
  const std::uint32_t index_;

  std::optional<Endpoint> endpoint_;
  /// Messages leave from the address that the last one came in at; nullopt: as routing chooses.
  std::optional<IpAddress> source_;
  bool source_gone_ = false;  ///< and that address is gone
  std::uint64_t psk_digest_ = 0;
  std::chrono::seconds keepalive_{0};
  std::vector<Packet> staged_;  ///< at most kStagedPacketsMax

  std::optional<std::uint64_t> own_initiation_;  ///< unanswered, and not destroyed by the other's
  std::optional<TimePoint> handshake_sent_;      ///< initiation or response
  std::optional<TimePoint> initiation_received_;
  std::uint64_t greatest_timestamp_ = 0;
  std::optional<Session> current_, previous_, next_;
  int retries_ = 0;
  bool last_minute_handshake_sent_ = false;
  bool another_keepalive_needed_ = false;

  std::optional<WallTime> last_handshake_;
  std::optional<TimePoint> heard_at_;
  std::uint64_t rx_bytes_ = 0;
  std::uint64_t tx_bytes_ = 0;

  Lifetime lifetime_;
  RestartableTimer retry_, passive_keepalive_, unheard_, persistent_keepalive_, forgetting_;
};

}  // namespace kadwire::testnet
