#pragma once

/// Ties flows of WireGuard's to side ports: a table of nftables that is kadwire's own and rewrites
/// the ports of WireGuard's datagrams, and of no others. Needs CAP_NET_ADMIN. Private to the
/// adapters.
///
///   table ip kadwire-INTERFACE
///     leaving:  from the listen port to a tied endpoint ─▶ from its side port
///     arriving: at any side port                        ─▶ at the listen port
///
/// Packets are rewritten one by one, outside of connection tracking as our own frames from the same
/// ports are: whatever tracks or translates flows on this host sees one flow of the side port.
/// The kernel's NAT could not do this. It translates a flow as it began, and by the time of a tie
/// frames have passed both between the listen port and the peer and between the side port and it.
///
/// Each change replaces the whole table, in one transaction. The table goes with this object; if
/// the daemon is killed it stays, as WireGuard does, until the next daemon of that interface comes.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "rendezvous/port_spray.h"

namespace kadwire::node {

struct FlowRules {
  std::uint16_t listen_port = 0;
  std::uint16_t side_first = 0;
  std::uint16_t side_count = 0;             ///< at least 1; the last is at most 65535
  std::vector<rendezvous::FlowTie> ties{};  ///< each IPv4 endpoint once, to one of the side ports
};

/// "kadwire-INTERFACE". An interface's name may have characters that nft's language has not: those
/// are underscores.
[[nodiscard]] std::string flow_table_name(std::string_view interface);

class FlowTable {
 public:
  /// Removes what a daemon that was killed may have left. In the network namespace of each call.
  explicit FlowTable(std::string_view interface);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  /// The error is a sentence for the operator: not permitted, or a kernel without nf_tables; then
  /// everything is as before.
  [[nodiscard]] tl::expected<void, std::string> set(const FlowRules& rules);

 private:
  void remove();
  std::string name_;
  bool set_ = false;
};

}  // namespace kadwire::node
