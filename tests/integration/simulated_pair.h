#pragma once

/// Plays a script on two SimulatedDevices in virtual time.

#include <array>
#include <cstdint>
#include <memory>

#include "tests/integration/tunnel_script.h"
#include "tests/support/underlay.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::lab {

class SimulatedPair {
 public:
  explicit SimulatedPair(std::uint64_t seed) : timers_(queue_), random_(seed) {
    underlay_.delay = kScriptLatency;
    for (std::size_t side : {0U, 1U}) {
      crypto::WireguardKey key;
      key.bytes.fill(static_cast<std::byte>(side + 1));
      devices_[side] = std::make_unique<testing::TestDevice>(underlay_, timers_, random_, key,
                                                             std::vector{outer_address(side)});
      devices_[side]->set_addresses({{inner_address(side), 24}});
    }
  }

  [[nodiscard]] Outcome play(const Script& script) {
    const TimePoint start = queue_.now();
    const WallTime start_wall = queue_.reading().wall;
    for (const Step& step : script.steps) {
      queue_.run_until(start + step.at);
      perform(step, script.keepalive);
    }
    queue_.run_until(start + script.length);
    Outcome outcome;
    for (std::size_t side : {0U, 1U}) {
      const auto peers = devices_[side]->snapshot().peers;
      if (peers.empty()) continue;
      outcome[side].rx_bytes = peers[0].rx_bytes;
      outcome[side].tx_bytes = peers[0].tx_bytes;
      if (peers[0].last_handshake) outcome[side].handshake = *peers[0].last_handshake - start_wall;
    }
    return outcome;
  }

 private:
  [[nodiscard]] IpAddress outer_address(std::size_t side) const {
    return IpAddress::v4((moved_[side] ? 0xc6120003 : 0xc6120002) +
                         (static_cast<std::uint32_t>(side) << 8));
  }
  static IpAddress inner_address(std::size_t side) {
    return IpAddress::v4(0x0a630001 + static_cast<std::uint32_t>(side));
  }

  void perform(const Step& step, std::chrono::seconds keepalive) {
    const auto side = static_cast<std::size_t>(step.side);
    switch (step.act) {
      case Act::kSend:
        devices_[side]->simulated().send_packet(inner_address(1 - side), Bytes(kScriptPacketBytes));
        return;
      case Act::kCut:
        underlay_.lose = [](const testing::TestDevice&, const Endpoint&) { return true; };
        return;
      case Act::kMend:
        underlay_.lose = nullptr;
        return;
      case Act::kMove:
        moved_[side] = true;
        devices_[side]->move_to({outer_address(side)});
        return;
      default:
        configure(side, step.act, keepalive);
    }
  }

  void configure(std::size_t side, Act act, std::chrono::seconds keepalive) {
    node::PeerConfig config;
    config.key = devices_[1 - side]->key();
    config.allowed_ips = {Prefix::of_host(inner_address(1 - side))};
    if (act != Act::kInstall && act != Act::kInstallAlien) {
      config.endpoint = Endpoint{outer_address(1 - side), testing::TestDevice::kPort};
    }
    if (act == Act::kDial || act == Act::kRedial) config.keepalive = keepalive;
    crypto::SecretBytes psk(32);
    if (act == Act::kInstallAlien) psk.writable()[0] = std::byte{1};
    std::vector<node::PeerChange> changes;
    if (act == Act::kRedial) {
      changes.emplace_back(node::RenewPeer{config, std::move(psk)});
    } else {
      changes.emplace_back(node::SetPeer{config, std::move(psk)});
    }
    devices_[side]->apply(std::move(changes));
  }

  testnet::EventQueue queue_{WallTime{std::chrono::hours(24 * 365 * 56)}};
  testing::Underlay underlay_{queue_};
  testing::QueueTimers timers_;
  testnet::SeededRandom random_;
  std::array<bool, 2> moved_{};
  std::array<std::unique_ptr<testing::TestDevice>, 2> devices_;
};

}  // namespace kadwire::lab
