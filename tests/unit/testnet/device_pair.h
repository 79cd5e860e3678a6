#pragma once

/// What the tests of the simulated WireGuard share: two devices with a network of 20 ms between
/// them, which counts what each sends, and loses what a test says.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/underlay.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::testing {

using testnet::SeededRandom;

inline constexpr auto kDelay = 20ms;
inline constexpr auto kRoundTrip = 2 * kDelay;
/// A packet that needs no padding, and what it takes on the wire.
inline constexpr std::size_t kPacketBytes = 96;
inline constexpr std::size_t kDataBytes = testnet::kKeepaliveBytes + kPacketBytes;

inline IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}

/// One device with its addresses, inside and outside of the tunnel.
struct Node {
  Node(EventQueue& queue, Underlay& underlay, unsigned char number)
      : timers(queue),
        random(number),
        outer(ip("198.51.100." + std::to_string(number))),
        inner(ip("10.9.0." + std::to_string(number))),
        device(underlay, timers, random, {{static_cast<std::byte>(number)}}, {outer}) {
    device.set_addresses({{inner, 24}});
    device.simulated().set_packet_handler([this](const IpAddress& from, ByteView packet) {
      received.emplace_back(from, packet.size());
    });
    device.simulated().set_session_handler(
        [this](const crypto::WireguardKey&) { ++sessions_made; });
    device.start([this](node::DeviceEvent event) { events.push_back(std::move(event)); });
  }

  QueueTimers timers;
  SeededRandom random;
  IpAddress outer, inner;
  std::vector<std::pair<IpAddress, std::size_t>> received;
  std::vector<node::DeviceEvent> events;
  int sessions_made = 0;
  TestDevice device;
};

class DevicePair : public ::testing::Test {
 protected:
  DevicePair() {
    underlay_.delay = kDelay;
    underlay_.lose = [this](const TestDevice& from, const Endpoint&) {
      if (&from == &a_.device) ++sent_by_a_;
      if (&from == &b_.device) ++sent_by_b_;
      return &from == losing_ || all_lost_;
    };
  }

  /// `other` as `node`'s peer: without an endpoint, it waits.
  static node::PeerConfig waiting(const Node& other) {
    node::PeerConfig config;
    config.key = other.device.key();
    config.allowed_ips = {Prefix::of_host(other.inner)};
    return config;
  }
  static node::PeerConfig dialling(const Node& other, std::chrono::seconds keepalive = 25s) {
    node::PeerConfig config = waiting(other);
    config.endpoint = Endpoint{other.outer, TestDevice::kPort};
    config.keepalive = keepalive;
    return config;
  }
  static void set(Node& node, node::PeerConfig config, unsigned char psk = 0) {
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::SetPeer{std::move(config), psk_of(psk)});
    node.device.apply(std::move(changes));
  }
  static void renew(Node& node, node::PeerConfig config) {
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::RenewPeer{std::move(config), psk_of(0)});
    node.device.apply(std::move(changes));
  }
  static void remove(Node& node, const Node& other) {
    std::vector<node::PeerChange> changes;
    changes.emplace_back(node::RemovePeer{other.device.key()});
    node.device.apply(std::move(changes));
  }
  static crypto::SecretBytes psk_of(unsigned char first) {
    crypto::SecretBytes psk(32);
    psk.writable()[0] = static_cast<std::byte>(first);
    return psk;
  }
  static bool send(Node& from, const Node& to, std::size_t size = kPacketBytes) {
    return from.device.simulated().send_packet(to.inner, Bytes(size));
  }

  /// A dials, B knows it; a session stands.
  void connect(std::chrono::seconds keepalive = 25s) {
    set(b_, waiting(a_));
    set(a_, dialling(b_, keepalive));
    ASSERT_TRUE(queue_.run_for(1s, [this] { return connected(); }));
  }
  /// A session of one packet, after which no keepalive is ever sent by itself.
  void connect_silently() {
    set(b_, waiting(a_));
    set(a_, dialling(b_, 0s));
    send(a_, b_);
    ASSERT_TRUE(queue_.run_for(1s, [this] { return connected(); }));
  }
  [[nodiscard]] bool connected() const { return a_.device.shares_session_with(b_.device); }
  [[nodiscard]] static node::PeerStatus status(const Node& node) {
    return node.device.snapshot().peers.at(0);
  }
  /// How long until a handshake completes at this node that was not complete yet.
  std::optional<Duration> time_to_handshake(const Node& node, Duration limit = 300s) {
    const TimePoint start = queue_.now();
    const auto before = status(node).last_handshake;
    const bool came = queue_.run_for(limit, [&] { return status(node).last_handshake != before; });
    return came ? std::optional(queue_.now() - start) : std::nullopt;
  }
  template <typename Event>
  [[nodiscard]] static std::size_t count(const Node& node) {
    return static_cast<std::size_t>(std::ranges::count_if(
        node.events, [](const auto& event) { return std::holds_alternative<Event>(event); }));
  }

  EventQueue queue_{WallTime{1'767'225'600'000ms}};
  Underlay underlay_{queue_};
  const TestDevice* losing_ = nullptr;
  bool all_lost_ = false;
  int sent_by_a_ = 0, sent_by_b_ = 0;
  Node a_{queue_, underlay_, 1};
  Node b_{queue_, underlay_, 2};
};

}  // namespace kadwire::testing
