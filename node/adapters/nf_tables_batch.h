#pragma once

/// One transaction of nf_tables over netlink: IPv4 tables of filter chains whose rules match and
/// rewrite bytes of packets. As much of the kernel's interface as flow_table needs
/// (linux/netfilter/ nf_tables.h), and no library: the one that speaks nft's language is under
/// GPL-2 alone, which a program under GPL-3 may not link. Private to the adapters.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "node/base/bytes.h"

struct nlmsghdr;

namespace kadwire::node {

/// Where a chain stands: the kernel's numbers.
struct ChainHook {
  std::uint32_t hook = 0;     ///< NF_INET_LOCAL_IN, …
  std::int32_t priority = 0;  ///< lower ones see a packet first
};

/// Bytes of a packet.
struct PacketField {
  enum class Header : std::uint32_t { kNetwork = 1, kTransport = 2 };  ///< the kernel's numbers
  Header header = Header::kTransport;
  std::uint32_t offset = 0;  ///< in bytes
};

/// Between these, both included, as big-endian numbers of the same size; equal: exactly this.
struct FieldMatch {
  PacketField field;
  Bytes from, to;
};

/// What happens to UDP packets that every match fits.
struct RewriteRule {
  std::vector<FieldMatch> matches;
  PacketField field;  ///< of the UDP header: its checksum is kept right
  Bytes value;
};

class NfTablesBatch {
 public:
  /// `table` is the one that everything is about; at most 31 characters.
  explicit NfTablesBatch(std::string_view table);
  /// Makes it, if it is not there.
  void add_table();
  /// Removes it with all that is in it; it must be there.
  void delete_table();
  void add_chain(std::string_view chain, const ChainHook& hook);
  /// Behind the chain's other rules.
  void add_rule(std::string_view chain, const RewriteRule& rule);
  /// Has the kernel do all of it, or nothing. In the network namespace of this call. The error is
  /// errno's value: EPERM without CAP_NET_ADMIN, EOPNOTSUPP and the like without nf_tables.
  [[nodiscard]] tl::expected<void, int> commit();

 private:
  nlmsghdr* begin(std::uint16_t type, std::uint16_t flags);
  void end(const nlmsghdr* message);
  void put_boundary(std::uint16_t type);
  [[nodiscard]] tl::expected<void, int> read_verdict(int socket) const;

  std::string table_;
  std::uint32_t sequence_ = 0;
  Bytes messages_;
  std::size_t used_ = 0;  ///< of messages_
};

}  // namespace kadwire::node
