#pragma once

/// The datagrams of the simulated WireGuard: the types, sizes and flow of the real ones (WireGuard
/// paper §5.4) around contents of our own. Nothing is encrypted: what cryptography would prove, the
/// fields say (who sends, for whom, in which session, with which pre-shared key).
///
///   initiation 148: 1 ‖ 0⁽³⁾ ‖ sender index ‖ session(8) ‖ timestamp(8) ‖ sender's key(32)
///                   ‖ receiver's key(32) ‖ 0⁽⁶⁰⁾
///   response    92: 2 ‖ 0⁽³⁾ ‖ sender index ‖ receiver index ‖ session(8) ‖ psk digest(8) ‖ 0⁽⁶⁴⁾
///   data    32 + n: 4 ‖ from initiator(1) ‖ packet's bytes(2) ‖ receiver index ‖ session(8)
///                   ‖ packet, zeros up to a multiple of 16 ‖ counter(8) ‖ source tag(4) ‖ 0⁽⁴⁾
/// Indices have 4 bytes; all integers are big-endian. Cookies are not modelled.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "crypto/node_identity.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::testnet {

inline constexpr std::size_t kInitiationBytes = 148;
inline constexpr std::size_t kResponseBytes = 92;
/// Data without a packet in it; with one, its padded size more.
inline constexpr std::size_t kKeepaliveBytes = 32;
/// Packets are padded to a multiple of this, but never beyond the interface's MTU.
inline constexpr std::size_t kPaddingBytes = 16;
/// As WireguardGoOptions::mtu_bytes.
inline constexpr std::size_t kTunnelMtuBytes = 1420;

/// Asks for a session.
struct InitiationMessage {
  std::uint32_t sender_index = 0;  ///< the sender's number for the peer that receives this
  std::uint64_t session = 0;       ///< random; names the session that may follow
  std::uint64_t timestamp = 0;     ///< grows with each initiation, or it is a replay
  crypto::WireguardKey sender{};
  crypto::WireguardKey receiver{};
  bool operator==(const InitiationMessage&) const = default;
};
/// Agrees to it.
struct ResponseMessage {
  std::uint32_t sender_index = 0;
  std::uint32_t receiver_index = 0;  ///< the initiation's sender_index
  std::uint64_t session = 0;
  std::uint64_t psk_digest = 0;
  bool operator==(const ResponseMessage&) const = default;
};
/// Carries a packet, or none: a keepalive.
struct DataMessage {
  bool from_initiator = false;
  std::uint32_t receiver_index = 0;
  std::uint64_t session = 0;
  std::uint64_t counter = 0;     ///< from 0, in each session and direction
  std::uint32_t source_tag = 0;  ///< of the packet's source address; 0 in a keepalive
  Bytes packet{};                ///< at most kTunnelMtuBytes
  bool operator==(const DataMessage&) const = default;
};
using WireguardMessage = std::variant<InitiationMessage, ResponseMessage, DataMessage>;

[[nodiscard]] Bytes encode(const InitiationMessage& message);
[[nodiscard]] Bytes encode(const ResponseMessage& message);
[[nodiscard]] Bytes encode(const DataMessage& message);
/// nullopt for whatever none of the above would have made.
[[nodiscard]] std::optional<WireguardMessage> decode(ByteView datagram);

/// Bytes that a packet takes in a datagram, and that the counters count beside kKeepaliveBytes.
[[nodiscard]] std::size_t padded_size(std::size_t packet_bytes);
/// Stands for a pre-shared key in a response.
[[nodiscard]] std::uint64_t psk_digest(ByteView psk);
/// Stands for an address, which would not fit; never 0.
[[nodiscard]] std::uint32_t source_tag(const IpAddress& address);

}  // namespace kadwire::testnet
