#include "node/adapters/flow_table.h"

#include <linux/netfilter.h>

#include <cctype>
#include <cstring>

#include "node/adapters/nf_tables_batch.h"

namespace kadwire::node {
namespace {

/// As nft names these priorities "raw" and "mangle": before connection tracking (-200) sees what
/// leaves; and after it has seen what arrives, but before the host's firewall (0) has.
constexpr ChainHook kLeaving{NF_INET_LOCAL_OUT, -300};
constexpr ChainHook kArriving{NF_INET_LOCAL_IN, -150};
constexpr const char* kLeavingChain = "leaving";
constexpr const char* kArrivingChain = "arriving";

using enum PacketField::Header;
constexpr PacketField kDestinationAddress{kNetwork, 16};
constexpr PacketField kSourcePort{kTransport, 0};
constexpr PacketField kDestinationPort{kTransport, 2};
/// The first byte after UDP's header.
constexpr PacketField kPayload{kTransport, 8};

Bytes port_bytes(unsigned port) {
  return ByteWriter().be16(static_cast<std::uint16_t>(port)).take();
}

FieldMatch exactly(const PacketField& field, ByteView value) {
  const Bytes bytes(value.begin(), value.end());
  return {field, bytes, bytes};
}

/// WireGuard's messages begin with 1 to 4, frames and STUN do not.
FieldMatch is_wireguards() {
  return {kPayload, {std::byte{1}}, {std::byte{4}}};
}

RewriteRule leaving(const FlowRules& rules, const rendezvous::FlowTie& tie) {
  return {{exactly(kDestinationAddress, tie.to.address.bytes()),
           exactly(kSourcePort, port_bytes(rules.listen_port)),
           exactly(kDestinationPort, port_bytes(tie.to.port)), is_wireguards()},
          kSourcePort,
          port_bytes(tie.from_port)};
}

RewriteRule arriving(const FlowRules& rules) {
  const unsigned last = rules.side_first + rules.side_count - 1U;
  return {{{kDestinationPort, port_bytes(rules.side_first), port_bytes(last)}, is_wireguards()},
          kDestinationPort,
          port_bytes(rules.listen_port)};
}

}  // namespace

std::string flow_table_name(std::string_view interface) {
  std::string name = "kadwire-";
  for (const char c : interface) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    name.push_back(plain ? c : '_');
  }
  return name;
}

FlowTable::FlowTable(std::string_view interface) : name_(flow_table_name(interface)) {
  remove();
}

FlowTable::~FlowTable() {
  if (set_) remove();
}

tl::expected<void, std::string> FlowTable::set(const FlowRules& rules) {
  NfTablesBatch batch(name_);
  batch.add_table();  // deleting what is not there would fail
  batch.delete_table();
  batch.add_table();
  batch.add_chain(kLeavingChain, kLeaving);
  for (const rendezvous::FlowTie& tie : rules.ties) {
    batch.add_rule(kLeavingChain, leaving(rules, tie));
  }
  batch.add_chain(kArrivingChain, kArriving);
  batch.add_rule(kArrivingChain, arriving(rules));
  if (const auto done = batch.commit(); !done) {
    return tl::unexpected(std::string("the kernel's nf_tables refuses the rules for it (") +
                          std::strerror(done.error()) + "), which takes CAP_NET_ADMIN");
  }
  set_ = true;
  return {};
}

/// Where that is not permitted, or not possible, there is nothing to remove either.
void FlowTable::remove() {
  NfTablesBatch batch(name_);
  batch.add_table();
  batch.delete_table();
  (void)batch.commit();
}

}  // namespace kadwire::node
