#pragma once

/// What two members say to each other inside a pair session (crypto/noise_session.h). Byte layouts:
/// rendezvous/PROTOCOL.md. A ping and its pong have one size, so nothing is amplified.
/// Not here: sealing, frames, what becomes of a message.

#include <cstdint>
#include <optional>
#include <variant>

#include "crypto/node_identity.h"
#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

/// Asks whether a path carries both ways, and says how things stand.
struct Ping {
  std::uint32_t id = 0;    ///< unpredictable: a pong proves that the ping arrived
  bool use = false;        ///< the sender chose this path for WireGuard
  bool lost = false;       ///< the path used so far is dead for the sender
  std::uint8_t epoch = 0;  ///< changes with the sender's own addresses
  bool operator==(const Ping&) const = default;
};

struct Pong {
  std::uint32_t id = 0;
  std::uint8_t epoch = 0;
  Endpoint seen;  ///< where the ping came from; all zero if it came through an introducer
  bool operator==(const Pong&) const = default;
};

/// The sender's newest signed record.
struct RecordUpdate {
  Bytes record;
  bool operator==(const RecordUpdate&) const = default;
};

/// "Pass this frame on": to an introducer, which has sessions with both.
struct Forward {
  crypto::NodeId to;
  Bytes frame;
  bool operator==(const Forward&) const = default;
};

/// A frame that an introducer passes on.
struct Forwarded {
  crypto::NodeId from;
  Bytes frame;
  bool operator==(const Forwarded&) const = default;
};

/// "Relay between me and this peer": to a relay, which does so once both have asked.
struct RelayRequest {
  crypto::NodeId peer;
  bool operator==(const RelayRequest&) const = default;
};

/// The relay's answer: where both are to send, and how full it is. Port 0: refused.
struct RelayReply {
  crypto::NodeId peer;
  std::uint16_t port = 0;
  std::uint8_t load = 0;  ///< kLoadMax at most (path_choice.h)
  bool operator==(const RelayReply&) const = default;
};

/// To a relay, at the port it named: "what comes from my peer is to go where this came from".
struct RelayBind {
  crypto::NodeId peer;
  std::uint64_t proof = 0;  ///< of the relay's challenge to this place; 0: there was none yet
  bool operator==(const RelayBind&) const = default;
};

/// From a relay's port, to where a bind came from: "if you are there, bind again with this proof".
/// As long as a bind, so that a forged source is sent no more than was sent in its name.
struct RelayChallenge {
  crypto::NodeId peer;
  std::uint64_t proof = 0;  ///< unpredictable, not 0
  bool operator==(const RelayChallenge&) const = default;
};

/// "I asked this member to relay between us; ask it too."
struct UseRelay {
  crypto::NodeId relay;
  bool operator==(const UseRelay&) const = default;
};

/// "My NAT's ports cannot be foreseen; I opened many that lead to you: try those of this address."
struct PortsOpened {
  IpAddress at;  ///< IPv4
  bool operator==(const PortsOpened&) const = default;
};

/// To a relay: "this peer and I need you no more".
struct RelayRelease {
  crypto::NodeId peer;
  bool operator==(const RelayRelease&) const = default;
};

/// A relay's answer: "I do not relay between you and this peer", since now or before.
struct RelayReleased {
  crypto::NodeId peer;
  bool operator==(const RelayReleased&) const = default;
};

using PairMessage =
    std::variant<Ping, Pong, RecordUpdate, Forward, Forwarded, RelayRequest, RelayReply, RelayBind,
                 UseRelay, PortsOpened, RelayRelease, RelayChallenge, RelayReleased>;

/// The whole of a session's text. A record or frame in it is within its own maximum.
[[nodiscard]] Bytes encode_pair_message(const PairMessage& message);
/// Strict: nullopt for an unknown type, a length that is not the type's, a value out of its range.
[[nodiscard]] std::optional<PairMessage> decode_pair_message(ByteView text);

/// An endpoint as messages carry it, 19 bytes: family u8 (4, 6, or 0 for none) ‖ port ‖ address,
/// filled up with zeroes to 16 bytes.
inline constexpr std::size_t kEndpointBytes = 19;
void write_endpoint(ByteWriter& writer, const Endpoint& endpoint);
/// nullopt: an unknown family, an address in another's form, or filling that is not zero. None (all
/// zero) is the default Endpoint.
[[nodiscard]] std::optional<Endpoint> read_endpoint(ByteReader& reader);

}  // namespace kadwire::rendezvous
