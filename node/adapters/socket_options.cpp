#include "node/adapters/socket_options.h"

#include <sys/socket.h>

#include <cerrno>

namespace kadwire::node {

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void enlarge_receive_buffer(int fd, int bytes) {
  if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) return;
  set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);  // capped by net.core.rmem_max
}

void enlarge_send_buffer(int fd, int bytes) {
  if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) return;
  set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);  // capped by net.core.wmem_max
}

bool lacks_family(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

}  // namespace kadwire::node
