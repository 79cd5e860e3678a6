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

constexpr auto kStartTimeMax = 5s;

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
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeMax;
  while (!node::connect_uapi(socket_)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("wireguard-go does not listen at " + socket_);
    }
    std::this_thread::sleep_for(1ms);
  }
  key_ = identity.wireguard_key();
  set(socket_, node::encode_private_key(identity.wireguard_private_key()));
  set(socket_, node::encode_listen_port(listen_port));
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
