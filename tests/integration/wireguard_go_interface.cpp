#include "tests/integration/wireguard_go_interface.h"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include "node/adapters/uapi_exchange.h"
#include "tests/integration/lab_fixture.h"

namespace kadwire::lab {
namespace {

/// Starting takes 15 ms, on a busy machine 100 ms; only a failure takes so long.
constexpr auto kStartTimeMax = 20s;

/// Runs one exchange to its end.
template <typename T>
T finish(asio::awaitable<tl::expected<T, node::UapiFailure>> exchange) {
  asio::io_context context;
  auto future = asio::co_spawn(context, std::move(exchange), asio::use_future);
  context.run();
  auto result = future.get();
  if (!result) throw std::runtime_error("wireguard-go: " + result.error().reason);
  return std::move(*result);
}

void set(const std::string& socket, node::WipedText request) {
  const int error = finish(node::exchange_set(socket, std::move(request)));
  if (error != 0) throw std::runtime_error("wireguard-go refused: " + std::to_string(error));
}

}  // namespace

WireguardGoInterface::WireguardGoInterface(const Host& host, const std::string& name)
    : host_(host),
      name_(name),
      socket_(host.outside(fmt::format("/run/wireguard/{}.sock", name))),
      process_(std::make_unique<Process>(must(
          host.spawn({"wireguard-go", "-f", name}, name,
                     {"WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1", "LOG_LEVEL=error"})))) {}

void WireguardGoInterface::configure(const crypto::NodeIdentity& identity,
                                     std::uint16_t listen_port) {
  wait_until("listen", [this] { return node::connect_uapi(socket_).has_value(); });
  // It binds a random port first, of its own accord: given one before that, it would bind it later.
  wait_until("bind a port", [this] { return status().listen_port.has_value(); });
  key_ = identity.wireguard_key();
  set(socket_, node::encode_private_key(identity.wireguard_private_key()));
  set(socket_, node::encode_listen_port(listen_port));
}

void WireguardGoInterface::wait_until(const char* what, const std::function<bool()>& done) const {
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeMax;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(fmt::format("wireguard-go at {} does not {}", socket_, what));
    }
    std::this_thread::sleep_for(1ms);
  }
}

void WireguardGoInterface::set_up(const Prefix& address) const {
  must(host_.run({"ip", "addr", "add", address.to_string(), "dev", name_}));
  must(host_.run({"ip", "link", "set", name_, "mtu", "1420", "up"}));
}

void WireguardGoInterface::apply(const std::vector<node::PeerChange>& changes) const {
  set(socket_, node::encode_changes(changes));
}

node::UapiDevice WireguardGoInterface::status() const {
  return finish(node::exchange_get(socket_));
}

}  // namespace kadwire::lab
