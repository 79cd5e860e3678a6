#pragma once

/// What the process may do, and what it gives up. Linux only.

namespace kadwire::control {

/// True with CAP_NET_ADMIN in effect, as root has it: interfaces can be made and configured.
[[nodiscard]] bool may_administer_network();

/// True with CAP_NET_RAW in effect, as root has it: something can be sent beside WireGuard from its
/// port.
[[nodiscard]] bool may_open_raw_sockets();

/// From now on a crash leaves no core file and no other process of this user may read our memory.
/// Called before a secret is read.
void forbid_core_dumps();

}  // namespace kadwire::control
