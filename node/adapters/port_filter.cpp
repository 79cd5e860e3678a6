#include "node/adapters/port_filter.h"

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cassert>
#include <utility>

#include "node/adapters/udp_packet.h"
#include "rendezvous/frame.h"
#include "rendezvous/stun_message.h"

namespace kadwire::node {
namespace {

/// The answer of a filter: how many bytes of the packet to hand over.
constexpr std::uint32_t kAllBytes = 0xffffffff;

/// Where the fields lie that are looked at, in bytes from the IP header's beginning.
struct Layout {
  std::uint32_t protocol;
  std::uint32_t to_port;
  std::uint32_t payload;
};
constexpr Layout kIpv4Layout{9, kIpv4HeaderBytes + 2, kIpv4HeaderBytes + kUdpHeaderBytes};
constexpr Layout kIpv6Layout{6, kIpv6HeaderBytes + 2, kIpv6HeaderBytes + kUdpHeaderBytes};
constexpr std::uint32_t kIpv4Fragment = 6;  ///< flags and offset, 16 bits

/// Writes a program that ends in two answers: pass, drop. Jumps go forward only.
class FilterWriter {
 public:
  void load(std::uint16_t width, std::uint32_t offset) { add(BPF_LD | BPF_ABS, width, offset); }
  void mask(std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, 0, bits); }
  void subtract(std::uint32_t value) { add(BPF_ALU | BPF_SUB | BPF_K, 0, value); }
  void drop_unless_equal(std::uint32_t value) {
    jump(BPF_JEQ, value, Target::kNext, Target::kDrop);
  }
  void drop_if_any(std::uint32_t bits) { jump(BPF_JSET, bits, Target::kDrop, Target::kNext); }
  void drop_unless_below(std::uint32_t bound) {
    jump(BPF_JGE, bound, Target::kDrop, Target::kNext);
  }
  void pass_if_equal(std::uint32_t value) { jump(BPF_JEQ, value, Target::kPass, Target::kNext); }
  void skip_if_equal(std::uint32_t value, std::uint8_t instructions) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, instructions, 0));
  }
  [[nodiscard]] FilterProgram finish();

 private:
  enum class Target { kNext, kPass, kDrop };
  struct Jump {
    std::size_t at;
    Target if_true;
    Target if_false;
  };
  void add(std::uint16_t operation, std::uint16_t width, std::uint32_t value) {
    code_.push_back(BPF_STMT(static_cast<std::uint16_t>(operation | width), value));
  }
  void jump(std::uint16_t test, std::uint32_t value, Target if_true, Target if_false) {
    jumps_.push_back({code_.size(), if_true, if_false});
    add(static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), 0, value);
  }
  [[nodiscard]] std::uint8_t distance(std::size_t from, Target to) const;

  FilterProgram code_;
  std::vector<Jump> jumps_;
};

/// Once both answers stand at the end.
std::uint8_t FilterWriter::distance(std::size_t from, Target to) const {
  if (to == Target::kNext) return 0;
  const std::size_t target = code_.size() - (to == Target::kPass ? 2 : 1);
  assert(target > from && target - from - 1 <= 0xff);
  return static_cast<std::uint8_t>(target - from - 1);
}

FilterProgram FilterWriter::finish() {
  add(BPF_RET | BPF_K, 0, kAllBytes);
  add(BPF_RET | BPF_K, 0, 0);
  for (const Jump& jump : jumps_) {
    code_[jump.at].jt = distance(jump.at, jump.if_true);
    code_[jump.at].jf = distance(jump.at, jump.if_false);
  }
  return std::move(code_);
}

void require_plain_header(FilterWriter& writer, AddressFamily family) {
  writer.load(BPF_B, 0);
  if (family == AddressFamily::kIpv6) {
    writer.mask(0xf0);
    writer.drop_unless_equal(0x60);
    return;
  }
  writer.drop_unless_equal(0x45);
  writer.load(BPF_H, kIpv4Fragment);
  writer.drop_if_any(0x3fff);
}

void require_watched_port(FilterWriter& writer, const Layout& layout, const WatchedPorts& ports) {
  writer.load(BPF_H, layout.to_port);
  writer.skip_if_equal(ports.listen, 2);
  writer.subtract(ports.side_first);  // wraps round below the block, far beyond its count
  writer.drop_unless_below(ports.side_count);
}

}  // namespace

bool WatchedPorts::contains(std::uint16_t port) const {
  if (port == 0) return false;
  return port == listen || (port >= side_first && port - side_first < side_count);
}

FilterProgram port_filter(AddressFamily family, const WatchedPorts& ports) {
  assert(ports.side_first + ports.side_count <= 0x10000);
  const Layout& layout = family == AddressFamily::kIpv4 ? kIpv4Layout : kIpv6Layout;
  FilterWriter writer;
  writer.load(BPF_B, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE));
  writer.drop_unless_equal(PACKET_HOST);
  require_plain_header(writer, family);
  writer.load(BPF_B, layout.protocol);
  writer.drop_unless_equal(IPPROTO_UDP);
  require_watched_port(writer, layout, ports);
  writer.load(BPF_B, layout.payload);
  writer.pass_if_equal(std::to_integer<std::uint32_t>(rendezvous::kFrameVersion1));
  writer.drop_if_any(0xc0);
  writer.load(BPF_W, layout.payload + 4);
  writer.drop_unless_equal(rendezvous::kStunCookie);
  return writer.finish();
}

FilterProgram deaf_filter() {
  return {BPF_STMT(BPF_RET | BPF_K, 0)};
}

bool attach_filter(int fd, const FilterProgram& program) {
  // The kernel copies the program and does not write to it.
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace kadwire::node
