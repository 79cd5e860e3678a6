#pragma once

/// How every state file begins and ends, whatever it holds. Integers are big-endian:
///   offset  bytes  field
///        0      8  magic "kadwire" ‖ 0x0a
///        8      1  format version, 1
///        9      1  kind of file
///       10      6  mesh id
///       16      4  length of the payload
///       20      n  payload
///     20+n     32  BLAKE2b-256 of everything before it
/// Pure: views in, views and values out. A payload may be secret, so it is never copied here.

#include <tl/expected.hpp>

#include "crypto/checksum.h"
#include "crypto/node_identity.h"
#include "node/base/bytes.h"

namespace kadwire::node {

enum class StateKind : std::uint8_t {
  kIdentity = 1,
  kNodeState = 2,
  kPeerCache = 3,
  kDhtNodes = 4,
};

inline constexpr std::uint8_t kStateFormatVersion = 1;
/// What the frame adds to a payload.
inline constexpr std::size_t kStateHeaderBytes = 20;
inline constexpr std::size_t kStateFrameBytes = kStateHeaderBytes + 32;

enum class StateFault {
  kForeign,       ///< does not begin like a file of ours
  kOtherVersion,  ///< ours, in a format that this program does not know
  kDamaged,       ///< cut short, lengthened, changed, or of another kind
  kOtherMesh,     ///< whole, but of another mesh
};

/// What stands before and after a payload in a file.
struct StateFrame {
  Bytes header;
  crypto::Checksum checksum{};
};
[[nodiscard]] StateFrame frame_state(StateKind kind, const crypto::MeshId& mesh, ByteView payload);

/// The payload, a view into `file`. Checks magic, version, checksum, kind and mesh, in this order.
[[nodiscard]] tl::expected<ByteView, StateFault> unframe_state(StateKind kind,
                                                               const crypto::MeshId& mesh,
                                                               ByteView file);

}  // namespace kadwire::node
