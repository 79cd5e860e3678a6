#include "node/adapters/nf_tables_batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

/// More than any one message takes: a rule with five matches has some 700 bytes.
constexpr std::size_t kMessageBytesMax = 4096;
constexpr std::uint32_t kUdpChecksumOffset = 6;
/// Every expression reads and writes this register.
constexpr std::uint32_t kRegister = NFT_REG_1;

constexpr std::uint16_t table_message(int type) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
}

void put_number(nlmsghdr* message, std::uint16_t attribute, std::uint32_t value) {
  mnl_attr_put_u32(message, attribute, htonl(value));
}

void put_text(nlmsghdr* message, std::uint16_t attribute, const std::string& text) {
  mnl_attr_put_strz(message, attribute, text.c_str());
}

void put_value(nlmsghdr* message, std::uint16_t attribute, ByteView value) {
  nlattr* nest = mnl_attr_nest_start(message, attribute);
  mnl_attr_put(message, NFTA_DATA_VALUE, value.size(), value.data());
  mnl_attr_nest_end(message, nest);
}

/// One step of a rule: `put` writes its attributes.
template <typename Put>
void put_expression(nlmsghdr* message, const char* name, Put put) {
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
  nlattr* data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
  put();
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, element);
}

void put_compare(nlmsghdr* message, nft_cmp_ops operation, ByteView value) {
  put_expression(message, "cmp", [&] {
    put_number(message, NFTA_CMP_SREG, kRegister);
    put_number(message, NFTA_CMP_OP, operation);
    put_value(message, NFTA_CMP_DATA, value);
  });
}

void put_place(nlmsghdr* message, const PacketField& field, std::size_t size) {
  put_number(message, NFTA_PAYLOAD_BASE, static_cast<std::uint32_t>(field.header));
  put_number(message, NFTA_PAYLOAD_OFFSET, field.offset);
  put_number(message, NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(size));
}

void put_is_udp(nlmsghdr* message) {
  put_expression(message, "meta", [&] {
    put_number(message, NFTA_META_DREG, kRegister);
    put_number(message, NFTA_META_KEY, NFT_META_L4PROTO);
  });
  const std::array udp{std::byte{IPPROTO_UDP}};
  put_compare(message, NFT_CMP_EQ, udp);
}

void put_match(nlmsghdr* message, const FieldMatch& match) {
  assert(!match.from.empty() && match.from.size() == match.to.size());
  put_expression(message, "payload", [&] {
    put_number(message, NFTA_PAYLOAD_DREG, kRegister);
    put_place(message, match.field, match.from.size());
  });
  if (match.from == match.to) return put_compare(message, NFT_CMP_EQ, match.from);
  put_compare(message, NFT_CMP_GTE, match.from);
  put_compare(message, NFT_CMP_LTE, match.to);
}

void put_rewriting(nlmsghdr* message, const RewriteRule& rule) {
  put_expression(message, "immediate", [&] {
    put_number(message, NFTA_IMMEDIATE_DREG, kRegister);
    put_value(message, NFTA_IMMEDIATE_DATA, rule.value);
  });
  put_expression(message, "payload", [&] {
    put_number(message, NFTA_PAYLOAD_SREG, kRegister);
    put_place(message, rule.field, rule.value.size());
    put_number(message, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
    put_number(message, NFTA_PAYLOAD_CSUM_OFFSET, kUdpChecksumOffset);
  });
}

}  // namespace

NfTablesBatch::NfTablesBatch(std::string_view table) : table_(table) {
  put_boundary(NFNL_MSG_BATCH_BEGIN);
}

/// Room for a message, and its header.
nlmsghdr* NfTablesBatch::begin(std::uint16_t type, std::uint16_t flags) {
  messages_.resize(used_ + kMessageBytesMax);
  nlmsghdr* message = mnl_nlmsg_put_header(messages_.data() + used_);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = ++sequence_;
  auto* about = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  about->nfgen_family = NFPROTO_IPV4;
  about->version = NFNETLINK_V0;
  return message;
}

void NfTablesBatch::end(const nlmsghdr* message) {
  assert(message->nlmsg_len <= kMessageBytesMax);
  used_ += MNL_ALIGN(message->nlmsg_len);
}

void NfTablesBatch::put_boundary(std::uint16_t type) {
  nlmsghdr* message = begin(type, 0);
  auto* about = static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message));
  about->nfgen_family = AF_UNSPEC;
  about->res_id = htons(NFNL_SUBSYS_NFTABLES);
  end(message);
}

void NfTablesBatch::add_table() {
  nlmsghdr* message = begin(table_message(NFT_MSG_NEWTABLE), NLM_F_CREATE | NLM_F_ACK);
  put_text(message, NFTA_TABLE_NAME, table_);
  end(message);
}

void NfTablesBatch::delete_table() {
  nlmsghdr* message = begin(table_message(NFT_MSG_DELTABLE), NLM_F_ACK);
  put_text(message, NFTA_TABLE_NAME, table_);
  end(message);
}

void NfTablesBatch::add_chain(std::string_view chain, const ChainHook& hook) {
  nlmsghdr* message = begin(table_message(NFT_MSG_NEWCHAIN), NLM_F_CREATE | NLM_F_ACK);
  put_text(message, NFTA_CHAIN_TABLE, table_);
  put_text(message, NFTA_CHAIN_NAME, std::string(chain));
  nlattr* nest = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
  put_number(message, NFTA_HOOK_HOOKNUM, hook.hook);
  put_number(message, NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook.priority));
  mnl_attr_nest_end(message, nest);
  put_text(message, NFTA_CHAIN_TYPE, "filter");
  end(message);
}

void NfTablesBatch::add_rule(std::string_view chain, const RewriteRule& rule) {
  nlmsghdr* message =
      begin(table_message(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
  put_text(message, NFTA_RULE_TABLE, table_);
  put_text(message, NFTA_RULE_CHAIN, std::string(chain));
  nlattr* nest = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
  put_is_udp(message);
  for (const FieldMatch& match : rule.matches) put_match(message, match);
  put_rewriting(message, rule);
  mnl_attr_nest_end(message, nest);
  end(message);
}

tl::expected<void, int> NfTablesBatch::commit() {
  put_boundary(NFNL_MSG_BATCH_END);
  const UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd) return tl::unexpected(errno);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = sendto(fd.get(), messages_.data(), used_, 0,
                              reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  if (sent < 0) return tl::unexpected(errno);
  return read_verdict(fd.get());
}

/// The kernel has answered each message, or the whole, by the time that it took them.
tl::expected<void, int> NfTablesBatch::read_verdict(int socket) const {
  alignas(nlmsghdr) std::array<std::byte, 8192> buffer;
  bool heard = false;
  for (;;) {
    const ssize_t size = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type != NLMSG_ERROR) continue;
      const auto* verdict = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
      if (verdict->error != 0) return tl::unexpected(-verdict->error);
      heard = true;
    }
  }
  if (!heard) return tl::unexpected(EOPNOTSUPP);
  return {};
}

}  // namespace kadwire::node
