#include "tools/testnet/conductor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace kadwire::testnet {
namespace {

/// Names spelled out on the time line; of more, the rest is a number.
constexpr std::size_t kNamesMax = 4;

}  // namespace

Conductor::Conductor(const Scenario& scenario, std::uint64_t seed, EventQueue& queue,
                     Internet& internet, Population& population, PairBoard& board,
                     Listener listener)
    : scenario_(scenario),
      queue_(queue),
      internet_(internet),
      population_(population),
      board_(board),
      listener_(std::move(listener)),
      random_(seed) {}

void Conductor::begin() {
  for (Index index = 0; index < population_.all().size(); ++index) {
    const Group& group = *population_[index].group;
    if (group.temporary_ipv6 > Duration{0}) {  // not all at one moment
      renew_addresses_after(index, random_between(random_, Duration{0}, group.temporary_ipv6));
    }
    if (!group.starts) continue;
    const Duration at = random_between(random_, group.start.low, group.start.high);
    if (group.role == Role::kMember) last_start_ = std::max(last_start_, at);
    queue_.at(EventQueue::kStart + at, lifetime_.guard([this, index] { start(index); }));
  }
  for (const ScenarioEvent& event : scenario_.events) schedule(event, event.at);
}

void Conductor::schedule(const ScenarioEvent& event, Duration at) {
  queue_.at(EventQueue::kStart + at, lifetime_.guard([this, &event, at] {
    carry_out(event);
    const Duration next = at + event.every;
    if (event.every > Duration{0} && next <= event.until.value_or(scenario_.until)) {
      schedule(event, next);
    }
  }));
}

void Conductor::carry_out(const ScenarioEvent& event) {
  const auto who = population_.select(event.who, random_);
  if (event.kind != EventKind::kStart) {  // each start speaks for itself
    listener_(std::string(to_text(event.kind)),
              fmt::format("{}: {}", to_text(event.kind), describe(who)), who);
  }
  const auto each = [&](auto act) {
    for (const Index index : who) act(index);
  };
  switch (event.kind) {
    case EventKind::kStart:
      return each([&](Index index) { when_awake(index, [this, index] { start(index); }); });
    case EventKind::kRestart:
      return each([&](Index index) { when_awake(index, [this, index] { restart(index); }); });
    case EventKind::kLeave:
    case EventKind::kCrash:
    case EventKind::kPowerCut:
      return each([&](Index index) {
        when_awake(index, [this, index, how = event.kind] { stop(index, how); });
      });
    case EventKind::kNatReboot:
      return reboot_nats(who, event.interface);
    case EventKind::kAddressChange:
      return change_addresses(who, event.interface);
    case EventKind::kInterfaceSwitch:
      return each([&](Index index) { switch_interface(index); });
    case EventKind::kInterfaceDown:
      return take_down(event, who);
    case EventKind::kSleep:
      return each([&](Index index) { sleep(index, event.lasting); });
    case EventKind::kPartition:
      return partition(event, who);
    case EventKind::kBlackHole:
    case EventKind::kOneWayLoss:
      return lose(event, who);
    case EventKind::kClockStep:
      return each([&](Index index) {
        const auto by = std::chrono::floor<std::chrono::milliseconds>(event.by);
        population_[index].host->step_clock(by);
      });
  }
}

/// A host that sleeps hears of nothing.
void Conductor::when_awake(Index index, EventQueue::Task act) {
  population_[index].host->when_awake(lifetime_.guard(std::move(act)));
}

void Conductor::start(Index index) {
  Program& program = *population_[index].program;
  if (program.running()) return;
  if (population_[index].member != nullptr) {
    listener_("start", fmt::format("start: {}", population_[index].name), {index});
  }
  program.start();
  board_.refresh(index);
}

void Conductor::restart(Index index) {
  stop(index, EventKind::kCrash);
  start(index);
}

void Conductor::stop(Index index, EventKind how) {
  Inhabitant& inhabitant = population_[index];
  if (inhabitant.program->running()) {
    if (how == EventKind::kLeave) {
      inhabitant.program->leave();
      // It runs on until its withdrawal is accepted; nobody is to count on it any more.
      queue_.after(node::kDeparturePatience + 1ms,
                   lifetime_.guard([this, index] { board_.refresh(index); }));
    } else if (how == EventKind::kCrash) {
      inhabitant.program->crash();
    } else {
      inhabitant.program->cut_power();
    }
  }
  board_.refresh(index);
}

/// nullopt: the host has no such interface, or there is no gateway.
std::optional<GatewayId> Conductor::gateway(Index index, InterfaceId interface) const {
  if (!has_interface(index, interface)) return std::nullopt;
  return internet_.gateway(population_[index].host->id(), interface);
}

bool Conductor::has_interface(Index index, InterfaceId interface) const {
  return interface == InterfaceId::kFirst || population_[index].group->other_up;
}

/// Everybody behind the gateways of these hosts, each once, in order.
std::vector<Index> Conductor::neighbours(const std::vector<Index>& who,
                                         InterfaceId interface) const {
  std::set<GatewayId> gateways;
  std::set<Index> all(who.begin(), who.end());
  for (const Index index : who) {
    if (const auto own = gateway(index, interface)) gateways.insert(*own);
  }
  for (Index index = 0; index < population_.all().size(); ++index) {
    const auto own = internet_.gateways(population_[index].host->id());
    const auto is_one = [&](GatewayId each) { return gateways.contains(each); };
    if (std::ranges::any_of(own, is_one)) all.insert(index);
  }
  return {all.begin(), all.end()};
}

void Conductor::reboot_nats(const std::vector<Index>& who, InterfaceId interface) {
  std::set<GatewayId> done;
  for (const Index index : who) {
    const auto own = gateway(index, interface);
    if (own && done.insert(*own).second) internet_.reboot(*own);
  }
}

void Conductor::change_addresses(const std::vector<Index>& who, InterfaceId interface) {
  std::set<GatewayId> done;
  for (const Index index : who) {
    if (!has_interface(index, interface)) continue;
    const auto own = gateway(index, interface);
    if (own && !done.insert(*own).second) continue;
    internet_.change_addresses(population_[index].host->id(), interface);
  }
  for (const Index index : neighbours(who, interface)) moved(index);
}

void Conductor::renew_addresses_after(Index index, Duration delay) {
  queue_.after(delay, lifetime_.guard([this, index] {
    Inhabitant& inhabitant = population_[index];
    internet_.renew_temporary_addresses(inhabitant.host->id());
    moved(index);
    renew_addresses_after(index, inhabitant.group->temporary_ipv6);
  }));
}

void Conductor::switch_interface(Index index) {
  Inhabitant& inhabitant = population_[index];
  population_.plug_in(inhabitant, !inhabitant.switched);
  moved(index);
}

void Conductor::take_down(const ScenarioEvent& event, const std::vector<Index>& who) {
  const auto set = [this, who, interface = event.interface](bool up) {
    for (const Index index : who) {
      if (!has_interface(index, interface)) continue;
      internet_.set_interface_up(population_[index].host->id(), interface, up);
      moved(index);
    }
  };
  set(false);
  later(event, who, [set] { set(true); });
}

void Conductor::moved(Index index) {
  board_.refresh(index);
  when_awake(index, [this, index] { population_[index].program->addresses_changed(); });
}

void Conductor::sleep(Index index, Duration lasting) {
  SimHost& host = *population_[index].host;
  if (host.asleep()) return;
  host.sleep();
  board_.refresh(index);
  queue_.after(lasting, lifetime_.guard([this, index] { wake(index); }));
}

void Conductor::wake(Index index) {
  listener_("wake", fmt::format("wake: {}", population_[index].name), {index});
  population_[index].host->wake();
  board_.refresh(index);
}

void Conductor::partition(const ScenarioEvent& event, const std::vector<Index>& who) {
  const auto cut = ++partitions_;
  const auto from = event.from ? population_.select(*event.from, random_) : std::vector<Index>{};
  std::vector<HostId> left, right;
  for (const Index index : who) left.push_back(population_[index].host->id());
  for (const Index index : from) right.push_back(population_[index].host->id());
  internet_.cut(cut, left, right);
  board_.refresh_all();
  later(event, who, [this, cut] {
    internet_.heal(cut);
    board_.refresh_all();
  });
}

void Conductor::lose(const ScenarioEvent& event, const std::vector<Index>& who) {
  const bool both_ways = event.kind == EventKind::kBlackHole;
  const auto set = [this, who, both_ways](double share) {
    for (const Index index : who) {
      const HostId host = population_[index].host->id();
      internet_.set_outbound_loss(host, share);
      if (both_ways) internet_.set_inbound_loss(host, share);
      board_.refresh(index);
    }
  };
  set(both_ways ? 1.0 : event.share);
  later(event, who, [set] { set(0); });
}

void Conductor::later(const ScenarioEvent& event, std::vector<Index> who,
                      std::function<void()> undo) {
  if (event.lasting == Duration{0}) return;
  queue_.after(event.lasting,
               lifetime_.guard([this, kind = event.kind, who = std::move(who), undo] {
                 listener_(std::string(to_text(kind)),
                           fmt::format("{} ends: {}", to_text(kind), describe(who)), who);
                 undo();
               }));
}

std::string Conductor::describe(const std::vector<Index>& who) const {
  if (who.empty()) return "nobody";
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(who.size(), kNamesMax); ++i) {
    names.push_back(population_.all()[who[i]].name);
  }
  const std::string rest =
      who.size() > kNamesMax ? fmt::format(" and {} more", who.size() - kNamesMax) : "";
  return fmt::format("{}{}", fmt::join(names, ", "), rest);
}

}  // namespace kadwire::testnet
