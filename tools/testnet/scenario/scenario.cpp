#include "tools/testnet/scenario/scenario.h"

#include <algorithm>
#include <array>

namespace kadwire::testnet {
namespace {

template <typename Kind>
struct Word {
  Kind kind;
  std::string_view text;
};

constexpr auto kRoles = std::to_array<Word<Role>>({
    {Role::kMember, "member"},
    {Role::kBootstrap, "bootstrap"},
    {Role::kDhtNode, "dht"},
    {Role::kDropper, "dropper"},
    {Role::kLiar, "liar"},
    {Role::kHashFlooder, "hash-flooder"},
    {Role::kSybil, "sybil"},
    {Role::kReplayer, "replayer"},
    {Role::kForger, "forger"},
    {Role::kRecordFlooder, "record-flooder"},
});

constexpr auto kEventKinds = std::to_array<Word<EventKind>>({
    {EventKind::kStart, "start"},
    {EventKind::kLeave, "leave"},
    {EventKind::kCrash, "crash"},
    {EventKind::kPowerCut, "power-cut"},
    {EventKind::kRestart, "restart"},
    {EventKind::kNatReboot, "nat-reboot"},
    {EventKind::kAddressChange, "address-change"},
    {EventKind::kInterfaceSwitch, "interface-switch"},
    {EventKind::kInterfaceDown, "interface-down"},
    {EventKind::kSleep, "sleep"},
    {EventKind::kPartition, "partition"},
    {EventKind::kBlackHole, "black-hole"},
    {EventKind::kOneWayLoss, "one-way-loss"},
    {EventKind::kClockStep, "clock-step"},
});

template <typename Kind, std::size_t N>
std::string_view text_of(const std::array<Word<Kind>, N>& words, Kind kind) {
  const auto word = std::ranges::find(words, kind, &Word<Kind>::kind);
  return word != words.end() ? word->text : "";
}

template <typename Kind, std::size_t N>
std::optional<Kind> find_kind(const std::array<Word<Kind>, N>& words, std::string_view text) {
  const auto word = std::ranges::find(words, text, &Word<Kind>::text);
  return word != words.end() ? std::optional(word->kind) : std::nullopt;
}

template <typename Kind, std::size_t N>
std::vector<Kind> kinds_of(const std::array<Word<Kind>, N>& words) {
  std::vector<Kind> kinds;
  for (const auto& word : words) kinds.push_back(word.kind);
  return kinds;
}

}  // namespace

std::string_view to_text(Role role) {
  return text_of(kRoles, role);
}

std::optional<Role> find_role(std::string_view text) {
  return find_kind(kRoles, text);
}

const std::vector<Role>& all_roles() {
  static const std::vector<Role> roles = kinds_of(kRoles);
  return roles;
}

std::string_view to_text(EventKind kind) {
  return text_of(kEventKinds, kind);
}

std::optional<EventKind> find_event_kind(std::string_view text) {
  return find_kind(kEventKinds, text);
}

const std::vector<EventKind>& all_event_kinds() {
  static const std::vector<EventKind> kinds = kinds_of(kEventKinds);
  return kinds;
}

std::size_t count_nodes(const Scenario& scenario) {
  std::size_t nodes = 0;
  for (const Group& group : scenario.groups) nodes += group.count;
  return nodes;
}

std::size_t count_members(const Scenario& scenario) {
  std::size_t members = 0;
  for (const Group& group : scenario.groups) {
    if (group.role == Role::kMember) members += group.count;
  }
  return members;
}

bool means(const Selector& selector, const Group& group) {
  const std::string_view wanted = selector.group;
  if (wanted.empty()) return group.role == Role::kMember;
  if (wanted.ends_with('*')) return group.name.starts_with(wanted.substr(0, wanted.size() - 1));
  return group.name == wanted;
}

const Group* find_group(const Scenario& scenario, std::string_view name) {
  const auto group = std::ranges::find(scenario.groups, name, &Group::name);
  return group != scenario.groups.end() ? &*group : nullptr;
}

}  // namespace kadwire::testnet
