#include "tools/lab/partition.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace kadwire::lab {
namespace {

std::string drop_rule(const IpAddress& from, const IpAddress& to) {
  return fmt::format("    {0} saddr {1} {0} daddr {2} drop\n", from.is_v4() ? "ip" : "ip6",
                     from.to_string(), to.to_string());
}

std::string rules_between(const Host& a, const Host& b) {
  std::string rules;
  const auto add = [&](const IpAddress& one, const IpAddress& other) {
    rules += drop_rule(one, other) + drop_rule(other, one);
  };
  if (a.has_ipv4() && b.has_ipv4()) add(a.ipv4(), b.ipv4());
  if (a.has_ipv6() && b.has_ipv6()) add(a.ipv6(), b.ipv6());
  return rules;
}

/// In the core, where we are.
Expected<void> run_nft(const Host& any, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "nft");
  return run_command({.argv = std::move(arguments), .output = any.log_path("partition")});
}

}  // namespace

Expected<Partition> Partition::between(const Host& a, const Host& b) {
  std::string table = fmt::format("partition_{}_{}", a.number(), b.number());
  const std::string script = fmt::format(
      "table inet {} {{\n"
      "  chain between {{\n"
      "    type filter hook forward priority filter; policy accept;\n"
      "{}  }}\n"
      "}}\n",
      table, rules_between(a, b));
  const std::filesystem::path path = a.outside("/run/" + table + ".nft");
  const auto made = write_text(path, script).and_then([&] { return run_nft(a, {"-f", path}); });
  if (!made) return tl::unexpected(made.error());
  return Partition(std::move(table));
}

Partition::Partition(Partition&& other) noexcept : table_(std::exchange(other.table_, {})) {}

Partition::~Partition() {
  mend();
}

void Partition::mend() {
  if (table_.empty()) return;
  // The cell's network, and the table with it, vanishes anyhow.
  (void)run_command({.argv = {"nft", "delete", "table", "inet", std::exchange(table_, {})},
                     .output = "/dev/null"});
}

}  // namespace kadwire::lab
