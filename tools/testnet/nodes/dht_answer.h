#pragma once

/// Tells an answer of OpenDHT's from its other datagrams, by its last bytes: every packet is
/// looked at, and decoding it (dht_message.h) costs more than sending it does.

#include <algorithm>
#include <array>

#include "node/base/bytes.h"

namespace kadwire::testnet {

/// A datagram ends with its kind (`y`, here `r`), its sender's version and the network's number.
inline constexpr std::size_t kKindWithinLast = 32;

[[nodiscard]] inline bool is_dht_answer(ByteView datagram) {
  constexpr std::array kAnswer = {std::byte{0xa1}, std::byte{'y'}, std::byte{0xa1}, std::byte{'r'}};
  const ByteView end = datagram.last(std::min(datagram.size(), kKindWithinLast));
  return !std::ranges::search(end, kAnswer).empty();
}

}  // namespace kadwire::testnet
