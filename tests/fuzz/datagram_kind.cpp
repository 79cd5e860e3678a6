/// What arrives on one port is of one kind at most: WireGuard's, a frame or STUN. A bind is a
/// frame, and every frame that is made as one is told to be one.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>

#include "crypto/mesh_secret.h"
#include "node/adapters/wireguard_datagram.h"
#include "rendezvous/frame.h"
#include "rendezvous/stun_message.h"
#include "tools/testnet/seeded_random.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

constexpr Hour kHour = 490'000;

/// What needs expensive arithmetic, made once.
struct Mesh {
  testnet::SeededRandom random{1};
  crypto::KeySchedule keys{crypto::generate_mesh_secret(random)};
  FrameKeys frame_keys{keys};
};

Mesh& mesh() {
  static Mesh fixed = [] {
    crypto::initialise();
    return Mesh();
  }();
  return fixed;
}

void check_datagram(ByteView datagram) {
  const bool wireguard = node::looks_like_wireguard(datagram);
  const bool frame = looks_like_frame(datagram);
  const bool stun = parse_stun(datagram).has_value();
  assert(wireguard + frame + stun <= 1);
  assert(!looks_like_bind(datagram) || frame);
}

void check_as_payload(ByteView input) {
  const ByteView payload = input.first(std::min(input.size(), kFramePayloadBytesMax));
  for (const FrameType type : {FrameType::kCall, FrameType::kAnswer, FrameType::kSession,
                               FrameType::kBind, FrameType::kBeacon}) {
    const Bytes frame = encode_frame(type, payload, kHour, mesh().frame_keys);
    check_datagram(frame);
    assert(looks_like_frame(frame));
    assert(looks_like_bind(frame) == (type == FrameType::kBind && !payload.empty()));
  }
}

/// As all of WireGuard's four messages, whatever follows the type.
void check_as_wireguard(ByteView input) {
  for (std::uint8_t type = 1; type <= 4; ++type) {
    const Bytes message = ByteWriter().u8(type).u8(0).be16(0).raw(input).take();
    check_datagram(message);
    assert(node::looks_like_wireguard(message) == (message.size() >= 32));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  check_datagram(input);
  check_as_payload(input);
  check_as_wireguard(input);
  return 0;
}
