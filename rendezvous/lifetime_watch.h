#pragma once

/// Keeps up what is known of how long one family's NAT or firewall keeps an idle mapping: looks at
/// times of a ladder (lifetime_probe), halving what is left of it, and again each day. Sans-IO.
///
/// What lived is proof. What was gone is believed after a second look, and one that finds it alive
/// outweighs any. Until something is proven nothing is known, and nothing is forbidden by it.
/// What a liar can do: a server can make the lifetime look shorter than it is by silence, which
/// costs packets; and longer by sending all the while, where a NAT counts that, up to the ladder's
/// end: so no use of it may reach further than is safe for most NATs.

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "rendezvous/lifetime_probe.h"

namespace kadwire::rendezvous {

/// The times that are looked at: from what is the shortest in the field to where it stops to
/// matter, each a second less than what NATs are set to. RFC 4787 (REQ-5) asks for two minutes at
/// least; 30 s are common.
inline constexpr std::array<std::chrono::seconds, 8> kLifetimeLadder{14s, 19s, 29s,  44s,
                                                                     59s, 89s, 119s, 179s};
/// The first look: whether the common keepalive of 25 s will do is what matters most.
inline constexpr std::size_t kLifetimeFirstRung = 2;
/// A node that has come to a network has better to do, and much goes through its NAT.
inline constexpr Duration kLifetimeSettle = 1min;
inline constexpr Duration kLifetimeRecheck = 24h;
/// When no server could tell, as there may be none of that sort; doubled up to kLifetimeRecheck.
inline constexpr Duration kLifetimeRetry = 10min;
/// Looks that ended without a verdict, after which another server is asked.
inline constexpr int kLifetimeLossesMax = 2;
/// Looks in one survey; the ladder needs no more than seven.
inline constexpr int kLifetimeLooksMax = 12;

/// How long a mapping lives that nothing passes through.
struct BindingLifetime {
  std::optional<std::chrono::seconds> at_least;  ///< proven; nullopt: not known
  std::optional<std::chrono::seconds> at_most;   ///< it was gone by then; nullopt: not known
  bool operator==(const BindingLifetime&) const = default;
};

class LifetimeWatch {
 public:
  /// `random` must outlive this object.
  explicit LifetimeWatch(RandomSource& random) : random_(random) {}

  /// The host is on another network, or its NAT another: everything learnt is void. `servers`: all
  /// of one family; none: nothing is looked at.
  void restart(TimePoint now, std::span<const Endpoint> servers);
  /// The same where the network is as it was: what is known stays, and a survey under way goes on
  /// with its own. Names are resolved again and again, to the same addresses in another order, or
  /// without those of a name that failed for once.
  void set_servers(TimePoint now, std::span<const Endpoint> servers);

  /// True if the datagram belonged to a look; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, LifetimePort port, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: nothing pending
  /// What is to leave from this port; call until nullopt.
  [[nodiscard]] std::optional<Transmit> poll_transmit(LifetimePort port);

  /// As far as it is known; while it is looked at again, as it was found last.
  [[nodiscard]] const BindingLifetime& lifetime() const { return known_; }

 private:
  //  Idle ──survey_at──▶ Looking ──nothing left between the bounds──▶ Idle, for a day
  //                         └──no server can tell──▶ Idle, for ten minutes, twenty, …
  [[nodiscard]] bool is_news(const Endpoint& server) const;
  void begin(TimePoint now);
  void look(TimePoint now);
  void follow(TimePoint now);
  void judge(LifetimeVerdict verdict);
  void try_next_server();
  void learn();
  void end(TimePoint now);
  [[nodiscard]] std::size_t next_rung() const;
  [[nodiscard]] bool decided() const { return alive_below_ == gone_from_; }

  RandomSource& random_;
  std::vector<Endpoint> servers_;   ///< for the next survey
  std::vector<Endpoint> surveyed_;  ///< of the survey under way, or of the last one
  std::optional<TimePoint> survey_at_;
  std::optional<LifetimeProbe> probe_;
  // Of the survey under way; rungs below alive_below_ are proven, those from gone_from_ on are
  // gone.
  std::size_t alive_below_ = 0;
  std::size_t gone_from_ = kLifetimeLadder.size();
  std::size_t rung_ = 0;
  std::size_t server_ = 0;
  int gone_ = 0;    ///< looks at this rung that found it so
  int losses_ = 0;  ///< in a row, with this server
  int looks_ = 0;
  BindingLifetime known_;
  bool settled_ = false;  ///< by a survey that was decided
  Duration retry_ = kLifetimeRetry;
};

}  // namespace kadwire::rendezvous
