#pragma once

/// Makes happen what the scenario says: starts everybody, carries out each event at its time, and
/// undoes what lasts only a while.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/testnet/pair_board.h"
#include "tools/testnet/population.h"
#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

class Conductor {
 public:
  /// Told of everything that is done, in words.
  using Listener = std::function<void(std::string kind, std::string text, std::vector<Index> who)>;

  /// All outlive the conductor.
  Conductor(const Scenario& scenario, std::uint64_t seed, EventQueue& queue, Internet& internet,
            Population& population, PairBoard& board, Listener listener);
  /// Puts everything into the queue.
  void begin();
  /// When the last start that is no event's happens, since the beginning.
  [[nodiscard]] Duration last_start() const { return last_start_; }

 private:
  void schedule(const ScenarioEvent& event, Duration at);
  void carry_out(const ScenarioEvent& event);
  void when_awake(Index index, EventQueue::Task act);
  void start(Index index);
  void restart(Index index);
  void stop(Index index, EventKind how);
  [[nodiscard]] bool has_interface(Index index, InterfaceId interface) const;
  [[nodiscard]] std::optional<GatewayId> gateway(Index index, InterfaceId interface) const;
  void reboot_nats(const std::vector<Index>& who, InterfaceId interface);
  void change_addresses(const std::vector<Index>& who, InterfaceId interface);
  void renew_addresses_after(Index index, Duration delay);
  void switch_interface(Index index);
  void take_down(const ScenarioEvent& event, const std::vector<Index>& who);
  void sleep(Index index, Duration lasting);
  void wake(Index index);
  void partition(const ScenarioEvent& event, const std::vector<Index>& who);
  void lose(const ScenarioEvent& event, const std::vector<Index>& who);
  /// Runs `undo` after the event's time, if it ends at all, and says so.
  void later(const ScenarioEvent& event, std::vector<Index> who, std::function<void()> undo);
  void moved(Index index);
  [[nodiscard]] std::vector<Index> neighbours(const std::vector<Index>& who,
                                              InterfaceId interface) const;
  [[nodiscard]] std::string describe(const std::vector<Index>& who) const;

  const Scenario& scenario_;
  EventQueue& queue_;
  Internet& internet_;
  Population& population_;
  PairBoard& board_;
  Listener listener_;
  SeededRandom random_;
  Lifetime lifetime_;
  Duration last_start_{0};
  std::uint64_t partitions_ = 0;
};

}  // namespace kadwire::testnet
