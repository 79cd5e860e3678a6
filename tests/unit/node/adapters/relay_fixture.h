#pragma once

/// Relay ports on a real loop with a clock that tests turn, and ends with real sockets.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "node/adapters/asio_datagram_socket.h"
#include "node/adapters/udp_relay_ports.h"
#include "rendezvous/frame.h"
#include "tests/unit/node/adapters/event_loop.h"

namespace kadwire::testing {

/// Shows the time that a test says, and wakes when it says so.
class TurnedScheduler final : public node::Scheduler {
 public:
  [[nodiscard]] Now now() const override { return {now_, {}}; }
  void wake_at(TimePoint when, std::function<void()> wake) override {
    due_ = when;
    wake_ = std::move(wake);
  }
  void cancel() override { wake_ = nullptr; }
  void turn(Duration by) {
    now_ += by;
    while (wake_ && due_ <= now_) std::exchange(wake_, nullptr)();
  }

 private:
  TimePoint now_{24h};
  TimePoint due_;
  std::function<void()> wake_;
};

/// A member's socket. Addresses are texts: "127.0.0.1", "::1".
class RelayedEnd {
 public:
  RelayedEnd(asio::io_context& context, std::string_view address) {
    const std::vector wanted{Endpoint{*IpAddress::parse(address), 0}};
    auto socket = node::AsioDatagramSocket::open_at(context, wanted);
    EXPECT_TRUE(socket) << socket.error().message;
    socket_ = std::move(*socket);
    endpoint_ = {*IpAddress::parse(address), socket_->local_port()};
    socket_->start([this](const Endpoint& from, ByteView datagram) {
      sources.push_back(from);
      received.emplace_back(as_text(datagram));
    });
  }
  void send(const Endpoint& to, std::string_view text) {
    const ByteView bytes = as_bytes(text);
    socket_->send({to, Bytes(bytes.begin(), bytes.end())});
  }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  std::vector<std::string> received;
  std::vector<Endpoint> sources;  ///< of each in `received`

 private:
  std::unique_ptr<node::AsioDatagramSocket> socket_;
  Endpoint endpoint_;
};

/// What a relay takes for a bind, whatever it says.
inline std::string bind_saying(std::string_view text) {
  std::string frame(rendezvous::kFrameHeaderBytes, '\0');
  frame[0] = static_cast<char>(rendezvous::kFrameVersion1);
  frame[1] = static_cast<char>(rendezvous::FrameType::kBind);
  return frame.append(text);
}

class RelayWorld {
 public:
  explicit RelayWorld(const node::RelayPortOptions& options = {})
      : relay(std::make_unique<node::UdpRelayPorts>(context, scheduler, options)) {
    relay->start({.bind =
                      [this](rendezvous::RelayId id, const Endpoint& from, ByteView frame) {
                        binds.push_back(
                            std::string(as_text(frame.subspan(rendezvous::kFrameHeaderBytes))));
                        if (on_bind) on_bind(id, from);
                      },
                  .idle =
                      [this](rendezvous::RelayId id) {
                        idle.push_back(id);
                        if (on_idle) on_idle(id);
                      }});
  }

  /// True if it came to that.
  [[nodiscard]] bool until(const std::function<bool()>& done) { return run_until(context, done); }
  /// A port for a new pair, as an end reaches it on this address of the host.
  Endpoint open(rendezvous::RelayId id, std::string_view address = "127.0.0.1") {
    const std::uint16_t port = relay->open(id);
    EXPECT_NE(port, 0);
    return {*IpAddress::parse(address), port};
  }

  asio::io_context context;
  TurnedScheduler scheduler;
  std::unique_ptr<node::UdpRelayPorts> relay;
  std::vector<std::string> binds;
  std::vector<rendezvous::RelayId> idle;
  std::function<void(rendezvous::RelayId, const Endpoint&)> on_bind;
  std::function<void(rendezvous::RelayId)> on_idle;
};

}  // namespace kadwire::testing
