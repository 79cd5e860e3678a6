#pragma once

/// Every setting of `kadwire join`: one table from which the flags, their help, the keys of the
/// configuration file and their checks come, so that they cannot drift apart. Pure.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "node/control/failure.h"
#include "node/daemon.h"

namespace kadwire::control {

/// The mesh interface's name where nobody chose one.
inline constexpr const char* kDefaultInterface = "kadwire0";
/// Holds one folder of state for each interface.
inline constexpr const char* kDefaultStateFolder = "/var/lib/kadwire";

/// What somebody decided; nullopt or false where they said nothing.
struct JoinSettings {
  std::optional<std::filesystem::path> secret_file;
  std::optional<std::string> interface;
  std::optional<std::string> hostname;
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint16_t> dht_port;
  std::optional<std::vector<node::BootstrapHost>> bootstrap;  ///< empty: enter through nobody
  std::optional<std::uint32_t> dht_network;
  std::optional<std::vector<node::BootstrapHost>> stun;       ///< empty: ask nobody
  std::optional<std::vector<node::BootstrapHost>> endpoints;  ///< names and addresses
  std::optional<bool> no_punching;
  std::optional<bool> introducer;  ///< --introducer, or false: --no-introducer
  std::optional<bool> relay;       ///< --relay, or false: --no-relay; nullopt: if it can be reached
  std::optional<std::uint32_t> relay_rate_mbit;
  std::optional<std::uint32_t> relay_quota_gb;
  std::optional<bool> force_relay;
  std::optional<bool> no_portmap;
  std::optional<bool> no_lan;
  std::optional<std::filesystem::path> state_dir;
  std::optional<std::filesystem::path> socket_path;
  std::optional<std::string> log_level;  ///< "debug", "info", "warn" or "error"
  std::optional<bool> no_ipv6;
  bool start_afresh = false;
  std::optional<std::chrono::milliseconds> clock_offset;
};

enum class ValueKind : std::uint8_t { kText, kNumber, kSwitch, kList };

struct Setting {
  std::string_view name;        ///< "listen-port": the flag --listen-port and the key listen-port
  std::string_view value_name;  ///< "PORT", for help; empty for a switch
  std::string_view help;
  ValueKind kind;
  /// Whether it may stand in a configuration file. What should happen once must not.
  bool in_file;
  /// Whether people are told of it; the rest is for tests.
  bool in_help;
  /// Checks `value` ("true" or "false" for a switch; one element of a list, which is added) and
  /// stores it. The failure says what is wrong with the value, without the setting's name.
  tl::expected<void, Failure> (*apply)(JoinSettings& settings, std::string_view value);
};
[[nodiscard]] std::span<const Setting> join_settings();

/// `over` where it says something, else `base`.
[[nodiscard]] JoinSettings overlay(JoinSettings base, JoinSettings over);

/// A letter, then up to 14 letters, digits, '_' or '-': what Linux, file names and shells all take.
[[nodiscard]] bool is_interface_name(std::string_view text);

/// What the machine's own name becomes as a hostname in the mesh: its first label, without
/// characters that have no place in one; "node" if nothing is left.
[[nodiscard]] std::string mesh_hostname(std::string_view machine_name);

/// The daemon's options with defaults filled in. `machine_name` is the host's own name.
[[nodiscard]] node::DaemonOptions to_daemon_options(const JoinSettings& settings,
                                                    crypto::MeshSecret secret,
                                                    std::string_view machine_name);

/// Adds one of --stun's values, or takes 'none'. The failure says what is wrong with it.
[[nodiscard]] tl::expected<void, Failure> add_stun_server(JoinSettings& settings,
                                                          std::string_view value);
/// The STUN servers that these settings lead to; empty: nobody is to be asked.
[[nodiscard]] std::vector<node::BootstrapHost> stun_servers_of(const JoinSettings& settings);

/// Whether these settings can be kept together; the failure is one sentence about those that
/// cannot.
[[nodiscard]] tl::expected<void, Failure> check_settings(const JoinSettings& settings);

/// Whether every --endpoint is outside the mesh of this secret; the failure is one sentence about
/// one that is not. What is wrong with an endpoint in any mesh its setting refuses already.
[[nodiscard]] tl::expected<void, Failure> check_endpoints(const JoinSettings& settings,
                                                          const crypto::MeshSecret& secret);

/// The control socket these settings lead to.
[[nodiscard]] std::filesystem::path socket_path_of(const JoinSettings& settings);

}  // namespace kadwire::control
