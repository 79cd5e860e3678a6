#pragma once

/// The configuration file of `kadwire join`: TOML (https://toml.io/en/v1.0.0) with the settings of
/// join_settings.h as its keys, strictly: what is not understood is refused, never skipped. Pure.

#include <cstddef>
#include <string_view>

#include <tl/expected.hpp>

#include "node/control/join_settings.h"

namespace kadwire::control {

/// A full configuration has about 500 bytes.
inline constexpr std::size_t kConfigBytesMax = 64 * 1024;

/// The settings in `toml`. A failure begins with "line N: " and names the key: not TOML, an unknown
/// key (with the nearest known one), a value of the wrong type, or a bad value.
[[nodiscard]] tl::expected<JoinSettings, Failure> parse_config(std::string_view toml);

}  // namespace kadwire::control
