#pragma once

/// What every socket of these adapters is opened with. Private to the adapters.

#include <string>

namespace kadwire::node {

/// What the kernel may hold for us while the loop is busy: 10,000 datagrams a second of a flood for
/// a quarter of a second. Beyond the system's limit only with CAP_NET_ADMIN; else what it allows.
inline constexpr int kReceiveBufferBytes = 4 * 1024 * 1024;

/// One clear sentence: what could not be opened or bound, and why.
struct SocketError {
  std::string message;
};

/// setsockopt with an int; false leaves the reason in errno.
bool set_option(int fd, int level, int name, int value);
/// To so many bytes, or as far as the system lets us.
void enlarge_receive_buffer(int fd, int bytes = kReceiveBufferBytes);
void enlarge_send_buffer(int fd, int bytes);
/// True if this errno says that the host does not have a socket's family at all (IPv6 disabled,
/// say).
[[nodiscard]] bool lacks_family(int error);

}  // namespace kadwire::node
