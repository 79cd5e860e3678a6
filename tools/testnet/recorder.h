#pragma once

/// Watches a world and makes its result: the curves, who reached what when, every tunnel's coming
/// and going, the time line, the totals. Bounded: a long run is told more coarsely, not in more
/// memory, and that is not counted as the world's.

#include <string>
#include <vector>

#include "tools/testnet/apart_watch.h"
#include "tools/testnet/pair_board.h"
#include "tools/testnet/ping_app.h"
#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

class Recorder {
 public:
  /// All outlive the recorder.
  Recorder(const Scenario& scenario, const EventQueue& queue, Population& population,
           const PairBoard& board, const std::vector<std::unique_ptr<PingApp>>& pings);

  void on_pair_change(Index a, Index b, PairState state);
  void on_apart(Index a, Index b, bool apart);
  void on_milestone(Index member, bool all);
  void on_first_reply(Index member);
  void on_event(std::string kind, std::string text, std::vector<Index> who);
  /// A point of the curves; call every sample_interval().
  void sample();
  [[nodiscard]] Duration sample_interval() const { return interval_; }
  /// Since the beginning of the simulation.
  [[nodiscard]] Duration elapsed() const { return queue_.now() - EventQueue::kStart; }
  /// When every possible pair was first up after this; nullopt: not yet.
  [[nodiscard]] std::optional<Duration> all_connected() const { return all_connected_; }
  /// The longest that a pair was without the tunnel it had had; nullopt: none lost one.
  [[nodiscard]] std::optional<ApartWatch::Separation> longest_apart() const {
    return apart_.longest(elapsed());
  }
  void set_last_start(Duration at) { last_start_ = at; }

  /// The curves, nodes and time line so far; who ran and judged it adds the rest.
  [[nodiscard]] RunResult result() const;

 private:
  void thin_out();
  [[nodiscard]] Duration since_start(Index member) const;
  [[nodiscard]] TrafficByKind traffic_sent() const;
  [[nodiscard]] PingApp::Counts ping_counts() const;
  [[nodiscard]] NodeResult node_result(Index index) const;

  const Scenario& scenario_;
  const EventQueue& queue_;
  Population& population_;
  const PairBoard& board_;
  const std::vector<std::unique_ptr<PingApp>>& pings_;
  Duration interval_;
  Duration last_start_{0};
  std::optional<Duration> all_connected_;
  ApartWatch apart_;
  RunResult result_;
  TrafficByKind sent_before_{};
  PingApp::Counts pings_before_;
  std::vector<std::optional<Duration>> started_;  ///< this life's, by index
};

}  // namespace kadwire::testnet
