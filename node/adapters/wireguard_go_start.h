#pragma once

/// How a wireguard-go interface comes to stand: adopted if it is already there and ours, refused
/// untouched if it is anyone else's, started and configured otherwise. Private to the adapters.
///
///   interface exists ──yes──▶ its UAPI shows our private key ──yes──▶ adopt: tunnels and port stay
///        │ no                          └──no, or silent──▶ refuse
///        ▼
///   spawn ▶ wait for the UAPI socket ▶ private key ▶ up and MTU ▶ listen port (next free of 100)

#include <asio/awaitable.hpp>

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "node/adapters/rtnetlink.h"
#include "node/adapters/wireguard_go_device.h"
#include "node/adapters/wireguard_go_process.h"

namespace kadwire::node {

/// The interface once it stands.
struct StandingInterface {
  Link link;
  std::uint16_t listen_port = 0;
  bool adopted = false;
  std::vector<std::string> notes;  ///< what an operator should know, a sentence each
};

/// Brings the interface up on the awaiting coroutine's executor. `process` is filled as soon as
/// there is one, so that the caller can stop it at any time; after an error it is empty again and
/// nothing is left behind. `options` and `process` must outlive the coroutine.
[[nodiscard]] asio::awaitable<tl::expected<StandingInterface, DeviceError>> bring_up(
    const WireguardGoOptions& options, std::optional<WireguardGoProcess>& process);

}  // namespace kadwire::node
