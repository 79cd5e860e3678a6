#pragma once

/// The loop in which a socket is read: in bounded batches, for as long as its owner is not closed.
/// Private to the adapters.

#include <asio/posix/stream_descriptor.hpp>

#include <memory>
#include <system_error>
#include <utility>

namespace kadwire::node {

/// After so many datagrams of one socket the loop serves everything else first.
inline constexpr int kReceiveBatchMax = 64;

/// Calls `receive_one()`, which takes one datagram (or some) and returns false if there is none,
/// whenever the descriptor is readable, `calls_max` times. `owner->closed` ends it, also from
/// inside such a call; until then `owner` lives on, and the descriptor and what `receive_one`
/// refers to are to live in it.
template <typename Owner, typename ReceiveOne>
void keep_receiving(std::shared_ptr<Owner> owner, asio::posix::stream_descriptor& descriptor,
                    ReceiveOne receive_one, int calls_max = kReceiveBatchMax) {
  descriptor.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [owner = std::move(owner), &descriptor, receive_one, calls_max](const std::error_code&) {
        for (int i = 0; i < calls_max && !owner->closed && receive_one(); ++i) continue;
        if (!owner->closed) keep_receiving(owner, descriptor, receive_one, calls_max);
      });
}

}  // namespace kadwire::node
