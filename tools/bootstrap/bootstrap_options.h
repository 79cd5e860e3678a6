#pragma once

/// The command line of kadwire-bootstrap as a value. Pure: reads argv, touches nothing.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "node/base/endpoint.h"
#include "node/bootstrap_host.h"

namespace kadwire::tools {

/// RFC 8489 §18.6. Members ask a bootstrap host there if nobody tells them otherwise
/// (rendezvous::kStunPort).
inline constexpr std::uint16_t kStunPortDefault = 3478;

/// Where a service is bound. No addresses: all of the host's, of every family it has, on `port`.
struct ListenOptions {
  std::vector<Endpoint> addresses;
  std::uint16_t port = 0;
};

struct BootstrapOptions {
  ListenOptions dht{{}, node::kDhtPortDefault};
  /// Whether somebody asked for STUN, or did not.
  enum class Stun : std::uint8_t {
    kDefault,  ///< beside the DHT, where the port is free
    kWanted,   ///< else nothing is served
    kOff,
  };
  Stun serve_stun = Stun::kDefault;
  ListenOptions stun{{}, kStunPortDefault};  ///< by default the DHT's addresses
  std::filesystem::path state_folder = "/var/lib/kadwire-bootstrap";
  std::filesystem::path socket_path;  ///< where --stats asks
  std::uint32_t network = 0;          ///< OpenDHT's network id
  std::vector<node::BootstrapHost> bootstrap;
  bool show_stats = false;  ///< ask the running one instead of serving
  bool json = false;
};

/// Why there is nothing to run: help or the version (exit code 0, for stdout), or a mistake (2).
struct EarlyExit {
  int exit_code = 0;
  std::string text;  ///< without a newline at the end
};

[[nodiscard]] tl::expected<BootstrapOptions, EarlyExit> parse_arguments(int argc,
                                                                        const char* const* argv);

}  // namespace kadwire::tools
