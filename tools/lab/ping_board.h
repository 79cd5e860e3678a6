#pragma once

/// Pings between hosts, many at a time: when did the first answer come, and has any been missing
/// since? One thread: time passes in `run`, and only there are packets sent and received.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/time.h"
#include "tools/lab/host.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

/// A flow's usual pace: the resolution of "time to the first ping".
inline constexpr auto kPingInterval = 10ms;
/// All flows together; more of them go slower, so that measuring does not load the machine.
inline constexpr int kPingsPerSecondMax = 2000;

/// One host pinging one address.
struct PingFlow {
  const Host* from = nullptr;
  IpAddress to;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::optional<TimePoint> first_reply;
};

class PingBoard {
 public:
  using FlowId = std::size_t;
  enum class Until { kFirstReply, kForever };

  /// `interval` is each flow's pace.
  explicit PingBoard(Duration interval = kPingInterval);
  ~PingBoard();
  PingBoard(const PingBoard&) = delete;
  PingBoard& operator=(const PingBoard&) = delete;

  /// Begins to ping. `from` must outlive this object.
  [[nodiscard]] Expected<FlowId> add(const Host& from, const IpAddress& to, Until until);
  /// Flows are numbered from 0 in the order in which they were added.
  [[nodiscard]] const PingFlow& flow(FlowId id) const;
  /// The longest time without a reply: before the first, between two, or since the last.
  [[nodiscard]] Duration longest_silence(FlowId id) const;
  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  /// Sends no more on this flow.
  void end(FlowId id);
  [[nodiscard]] bool all_answered() const;

  /// Lets this much time pass.
  void run(Duration time);
  /// Lets time pass until `condition` (looked at about every 10 ms) or the deadline; whether it was
  /// the condition.
  bool run_until(const std::function<bool()>& condition, Duration at_most);

 private:
  struct Flow;
  struct Source;
  Expected<Source*> source_of(const Host& host);
  [[nodiscard]] Duration interval() const;
  void send_due(TimePoint now);
  void receive(Source& source, AddressFamily family, TimePoint now);
  void receive_until(TimePoint when);

  Duration interval_;
  std::uint64_t tag_;  ///< random: a late reply to somebody else's ping is none to ours
  std::vector<std::unique_ptr<Flow>> flows_;
  std::map<const Host*, std::unique_ptr<Source>> sources_;
};

}  // namespace kadwire::lab
