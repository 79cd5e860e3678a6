#include "node/adapters/flow_table.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

/// The first byte after UDP's header: WireGuard's messages have 1 to 4 there, frames and STUN not.
constexpr std::string_view kIsWireguards = "@th,64,8 1-4";

struct ContextDeleter {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

/// What nft said first, without the place in the script.
std::string first_line(const char* text) {
  const std::string whole = text == nullptr ? "" : text;
  const std::string line = whole.substr(0, whole.find('\n'));
  const auto cause = line.rfind(": ");
  return cause == std::string::npos ? line : line.substr(cause + 2);
}

tl::expected<void, std::string> run_nft(const std::string& script) {
  // The library ends the whole process if it gets no such socket.
  if (!UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER))) {
    return tl::unexpected(std::string(std::strerror(errno)));
  }
  const std::unique_ptr<nft_ctx, ContextDeleter> context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context || nft_ctx_buffer_error(context.get()) != 0) {
    return tl::unexpected(std::string("out of memory"));
  }
  if (nft_run_cmd_from_buffer(context.get(), script.c_str()) == 0) return {};
  return tl::unexpected(first_line(nft_ctx_get_error_buffer(context.get())));
}

/// Deleting what is not there fails, so it is made first.
std::string removal(std::string_view table) {
  return fmt::format("table ip {0}\ndelete table ip {0}\n", table);
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

std::string flow_script(std::string_view table, const FlowRules& rules) {
  std::string script = removal(table);
  script += fmt::format("table ip {} {{\n  chain leaving {{\n", table);
  script += "    type filter hook output priority raw\n";  // before connection tracking
  for (const rendezvous::FlowTie& tie : rules.ties) {
    script += fmt::format("    ip daddr {} udp dport {} udp sport {} {} udp sport set {}\n",
                          tie.to.address.to_string(), tie.to.port, rules.listen_port, kIsWireguards,
                          tie.from_port);
  }
  script += "  }\n  chain arriving {\n";
  script += "    type filter hook input priority mangle\n";  // after it, before the host's firewall
  script += fmt::format("    udp dport {}-{} {} udp dport set {}\n", rules.side_first,
                        rules.side_first + rules.side_count - 1, kIsWireguards, rules.listen_port);
  return script + "  }\n}\n";
}

FlowTable::FlowTable(std::string_view interface) : name_(flow_table_name(interface)) {
  remove();
}

FlowTable::~FlowTable() {
  if (set_) remove();
}

tl::expected<void, std::string> FlowTable::set(const FlowRules& rules) {
  const auto done = run_nft(flow_script(name_, rules));
  if (!done) {
    return tl::unexpected("nftables refuses the rules for it (" + done.error() +
                          "); that takes CAP_NET_ADMIN and the kernel's nf_tables");
  }
  set_ = true;
  return {};
}

/// Where that is not permitted, or not possible, there is nothing to remove either.
void FlowTable::remove() {
  (void)run_nft(removal(name_));
}

}  // namespace kadwire::node
