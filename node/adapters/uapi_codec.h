#pragma once

/// The text of WireGuard's cross-platform userspace API: "key=value" lines, a blank line at the end
/// of each request and reply (https://www.wireguard.com/xplatform/, Configuration Protocol).
/// Keys travel as 64 lower-case hex digits; private and pre-shared keys are in the texts, so these
/// are WipedText and are never logged. Pure: no I/O.
/// Deviations: unknown keys of a reply are skipped, so that a newer implementation may say more;
/// "errno" may be negative, as wireguard-go sends it.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "crypto/secret_bytes.h"
#include "node/adapters/wiped_text.h"
#include "node/ports/wireguard_device.h"

namespace kadwire::node {

/// 4096 peers with a few allowed IPs each take about 2 MiB.
inline constexpr std::size_t kUapiReplyBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kUapiPeersMax = 4096;
inline constexpr std::size_t kUapiAllowedIpsMax = 256;  ///< of one peer

enum class UapiError {
  kTooLong,     ///< above kUapiReplyBytesMax
  kIncomplete,  ///< does not end in a blank line, or has none or several errno lines
  kBadLine,     ///< a line without "=", or anything after errno
  kBadValue,    ///< a known key with a value out of its form or range
  kMisplaced,   ///< a peer's line before any peer, a device's line after one, or a line twice
  kTooMany,     ///< above kUapiPeersMax or kUapiAllowedIpsMax
};
[[nodiscard]] std::string_view describe(UapiError error);

/// What a get reply says of a device.
struct UapiDevice {
  crypto::SecretBytes private_key;           ///< 32 bytes, or empty: none set
  std::optional<std::uint16_t> listen_port;  ///< nullopt: no socket is bound
  std::vector<PeerStatus> peers;             ///< in the device's order
  int error_number = 0;                      ///< errno's value; 0: all well
};

/// Asks for the whole device.
[[nodiscard]] WipedText encode_get();
/// Gives a device its key, without any peer. `private_key` has 32 bytes.
[[nodiscard]] WipedText encode_private_key(const crypto::SecretBytes& private_key);
[[nodiscard]] WipedText encode_listen_port(std::uint16_t port);
/// One request with all changes, in order. The device stops at the first one it refuses.
[[nodiscard]] WipedText encode_changes(std::span<const PeerChange> changes);

/// True once `reply` ends as every reply does.
[[nodiscard]] bool is_complete_reply(std::string_view reply);
/// The errno of a reply to set, as a positive number; 0 is success.
[[nodiscard]] tl::expected<int, UapiError> parse_set_reply(std::string_view reply);
[[nodiscard]] tl::expected<UapiDevice, UapiError> parse_get_reply(std::string_view reply);

}  // namespace kadwire::node
