#pragma once

/// What the tests of the wireguard-go device share: identities, options, and a device whose events
/// are kept.

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/node_identity.h"
#include "node/adapters/wireguard_go_device.h"
#include "tests/unit/node/adapters/event_loop.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testing {

/// A device does what it is asked in milliseconds, and starts again a second after its process has
/// ended; only a failure takes so long.
inline constexpr auto kDevicePatience = std::chrono::seconds(20);

inline crypto::NodeIdentity identity(std::uint64_t seed) {
  testnet::SeededRandom random(seed);
  return crypto::NodeIdentity::generate(random);
}

inline node::WireguardGoOptions options_of(const crypto::NodeIdentity& owner,
                                           std::string interface = "kadwire0") {
  node::WireguardGoOptions options;
  options.interface = std::move(interface);
  options.private_key = owner.wireguard_private_key().clone();
  return options;
}

inline crypto::SecretBytes shared_psk() {
  crypto::SecretBytes psk(32);
  psk.writable()[0] = std::byte{7};
  return psk;
}

template <typename... Change>
std::vector<node::PeerChange> changes(Change... change) {
  std::vector<node::PeerChange> list;
  (list.emplace_back(std::move(change)), ...);
  return list;
}

/// An open, started device and everything it reported.
class RunningDevice {
 public:
  RunningDevice(asio::io_context& context, node::WireguardGoOptions options) : context_(context) {
    auto opened = node::WireguardGoDevice::open(context, std::move(options));
    if (!opened) {
      error = opened.error().message;
      return;
    }
    device = std::move(*opened);
    device->start([this](node::DeviceEvent event) { events.push_back(std::move(event)); });
  }

  /// Waits for the next event of this type from here on; nullptr if none came in time.
  template <typename Event>
  const Event* next(std::chrono::milliseconds limit = kDevicePatience) {
    const Event* found = nullptr;
    run_until(
        context_,
        [&] {
          while (found == nullptr && seen_ < events.size()) {
            found = std::get_if<Event>(&events[seen_++]);
          }
          return found != nullptr;
        },
        limit);
    return found;
  }

  node::DeviceSnapshot snapshot(std::chrono::milliseconds limit = kDevicePatience) {
    device->request_snapshot();
    const auto* result = next<node::DeviceSnapshot>(limit);
    EXPECT_NE(result, nullptr) << "no snapshot came";
    return result != nullptr ? *result : node::DeviceSnapshot{};
  }

  std::unique_ptr<node::WireguardGoDevice> device;  ///< nullptr: see error
  std::string error;
  std::deque<node::DeviceEvent> events;

 private:
  asio::io_context& context_;
  std::size_t seen_ = 0;
};

}  // namespace kadwire::testing
