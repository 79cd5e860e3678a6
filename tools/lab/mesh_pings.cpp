#include "tools/lab/mesh_pings.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace kadwire::lab {
namespace {

/// How often a daemon that has not told its addresses is asked again.
constexpr auto kAskInterval = 50ms;
/// How often one that has: a lease may be lost to a conflict and taken anew.
constexpr auto kAskAgainInterval = 1s;

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

MeshPings::MeshPings(std::vector<Member*> members)
    : members_(std::move(members)),
      addresses_(members_.size()),
      flows_(members_.size() * members_.size() * 2) {}

const std::optional<MeshAddresses>& MeshPings::addresses(std::size_t member) const {
  return addresses_.at(member);
}

bool MeshPings::run(Duration at_most, const std::function<void()>& progress) {
  const TimePoint deadline = steady_now() + at_most;
  TimePoint ask_again = steady_now() + kAskAgainInterval;
  for (;;) {
    const bool complete =
        std::all_of(addresses_.begin(), addresses_.end(), [](const auto& a) { return a; });
    if (!complete || steady_now() >= ask_again) {
      refresh_addresses();
      ask_again = steady_now() + kAskAgainInterval;
    }
    check_daemons();
    progress();
    if (pairs_answered() == pairs_total()) return true;
    if (failure_ || steady_now() >= deadline) return false;
    board_.run_until([this] { return pairs_answered() == pairs_total(); }, kAskInterval);
  }
}

void MeshPings::refresh_addresses() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    auto told = members_[i]->addresses();
    if (!told || told == addresses_[i]) continue;
    addresses_[i] = std::move(told);
    aim_at(i);
  }
}

void MeshPings::aim_at(std::size_t target) {
  for (std::size_t from = 0; from < members_.size(); ++from) {
    if (from == target) continue;
    aim(from, target, addresses_[target]->ipv6);
    if (addresses_[target]->ipv4) aim(from, target, *addresses_[target]->ipv4);
  }
}

void MeshPings::aim(std::size_t from, std::size_t to, const IpAddress& address) {
  Flow& flow = flows_[index(from, to, address.family())];
  if (flow && board_.flow(*flow).to == address) return;
  if (flow) board_.end(*flow);
  const auto added = board_.add(members_[from]->host(), address, PingBoard::Until::kFirstReply);
  if (!added) {
    failure_ = added.error();
    return;
  }
  flow = *added;
}

void MeshPings::check_daemons() {
  for (Member* member : members_) {
    if (member->running()) continue;
    failure_ = LabError{fmt::format("{}: kadwire ended with exit code {}", member->name(),
                                    member->process().exit_code().value_or(-1))};
  }
}

std::size_t MeshPings::index(std::size_t from, std::size_t to, AddressFamily family) const {
  return (from * members_.size() + to) * 2 + (family == AddressFamily::kIpv6 ? 1 : 0);
}

std::optional<Duration> MeshPings::first_ping(std::size_t from, std::size_t to,
                                              AddressFamily family) const {
  const Flow& flow = flows_.at(index(from, to, family));
  if (!flow) return std::nullopt;
  const auto& reply = board_.flow(*flow).first_reply;
  if (!reply) return std::nullopt;
  return *reply - members_[from]->process().spawned();
}

std::optional<Duration> MeshPings::first_ping(std::size_t from, std::size_t to) const {
  const auto ipv4 = first_ping(from, to, AddressFamily::kIpv4);
  const auto ipv6 = first_ping(from, to, AddressFamily::kIpv6);
  if (!ipv4 || !ipv6) return std::nullopt;
  return std::max(*ipv4, *ipv6);
}

std::size_t MeshPings::pairs_answered() const {
  return static_cast<std::size_t>(
      std::count_if(flows_.begin(), flows_.end(),
                    [this](const Flow& f) { return f && board_.flow(*f).first_reply; }));
}

std::size_t MeshPings::pairs_total() const {
  return members_.size() * (members_.size() - 1) * 2;
}

}  // namespace kadwire::lab
