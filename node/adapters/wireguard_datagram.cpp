#include "node/adapters/wireguard_datagram.h"

namespace kadwire::node {

bool looks_like_wireguard(ByteView datagram) {
  constexpr std::size_t kBytesMin = 32;  // an empty data message
  return datagram.size() >= kBytesMin && datagram[0] >= std::byte{1} &&
         datagram[0] <= std::byte{4} && datagram[1] == std::byte{} && datagram[2] == std::byte{} &&
         datagram[3] == std::byte{};
}

}  // namespace kadwire::node
