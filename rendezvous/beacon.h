#pragma once

/// What a member says to everybody on its link, so that members find each other with no DHT and no
/// internet: its own record, sealed for the mesh. Layout: rendezvous/PROTOCOL.md.
///   beacon  frame of type 5 around  nonce 24 ‖ ciphertext 520 ‖ tag 16
/// All beacons have one size, and without the secret none can be read, or told to be of one member.
/// Not here: when to send one (node/membership/lan_beacon.h).

#include <optional>

#include "crypto/seal.h"
#include "rendezvous/frame.h"
#include "rendezvous/peer_record.h"

namespace kadwire::rendezvous {

/// What a beacon's frame carries: the longest record, padded and sealed.
inline constexpr std::size_t kBeaconSealedBytes =
    kRecordBytesMax + crypto::kPaddingOverheadBytes + crypto::kSealOverheadBytes;
inline constexpr std::size_t kBeaconBytes = kFrameHeaderBytes + kBeaconSealedBytes;

/// `record` has at most kRecordBytesMax bytes. `frame_keys` are of `keys`.
[[nodiscard]] Bytes encode_beacon(const crypto::KeySchedule& keys, FrameKeys& frame_keys, Hour hour,
                                  ByteView record, RandomSource& random);

/// The record inside, not verified; nullopt: no beacon of a member's in the hour `now` or one
/// beside it. Strangers cost one hash each.
[[nodiscard]] std::optional<Bytes> open_beacon(const crypto::KeySchedule& keys,
                                               FrameKeys& frame_keys, Hour now, ByteView datagram);

}  // namespace kadwire::rendezvous
