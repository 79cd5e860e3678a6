#include "tools/testnet/internet/partitions.h"

#include <algorithm>
#include <cassert>

namespace kadwire::testnet {
namespace {

std::vector<bool> members(std::span<const std::uint32_t> hosts) {
  if (hosts.empty()) return {};
  std::vector<bool> members(*std::ranges::max_element(hosts) + 1);
  for (const std::uint32_t host : hosts) members[host] = true;
  return members;
}

bool contains(const std::vector<bool>& members, std::uint32_t host) {
  return host < members.size() && members[host];
}

}  // namespace

void Partitions::cut(std::uint64_t number, std::span<const std::uint32_t> left,
                     std::span<const std::uint32_t> right) {
  [[maybe_unused]] const bool is_new =
      cuts_.try_emplace(number, Cut{members(left), members(right)}).second;
  assert(is_new);
}

void Partitions::heal(std::uint64_t number) {
  [[maybe_unused]] const std::size_t healed = cuts_.erase(number);
  assert(healed == 1);
}

bool Partitions::separate(std::uint32_t a, std::uint32_t b) const {
  return a != b && std::ranges::any_of(cuts_, [&](const auto& numbered) {
           return separates(numbered.second, a, b) || separates(numbered.second, b, a);
         });
}

bool Partitions::separates(const Cut& cut, std::uint32_t left, std::uint32_t right) {
  if (!contains(cut.left, left)) return false;
  return cut.right.empty() ? !contains(cut.left, right) : contains(cut.right, right);
}

}  // namespace kadwire::testnet
