#pragma once

/// Keeps up what is known of whose packets get in to one port, in each family: asks the servers
/// that answer, one after the other, for a look (filtering_probe), again when something changed,
/// and seldom otherwise. Sans-IO.
///
/// What got in is proof, and one server's silence is outvoted by another's answer that came. What a
/// liar can do: a server can make the NAT look stricter than it is, by claiming that it answers
/// from elsewhere; not more open, unless it has a second address that it does not tell of.

#include <optional>
#include <span>
#include <vector>

#include "rendezvous/filtering_probe.h"

namespace kadwire::rendezvous {

/// Servers asked in one survey that can answer from elsewhere: more would say the same.
inline constexpr int kFilteringServersMax = 3;
/// A firewall's rules change by people's hands: half an hour is soon enough to notice.
inline constexpr Duration kFilteringRecheck = 30min;
/// When too much was lost to say anything; doubled up to kFilteringRecheck.
inline constexpr Duration kFilteringRetry = 1min;
/// What was asked for at the gateway needs a moment to be so.
inline constexpr Duration kFilteringSettle = 1s;

class FilteringWatch {
 public:
  /// `random` must outlive this object.
  explicit FilteringWatch(RandomSource& random) : random_(random) {}

  /// The host is on another network: everything learnt is void. `asked`: all servers that this port
  /// sends to, which are looked at once they are known to answer.
  void restart(std::span<const Endpoint> asked);
  /// The same where the network is as it was: what is known stays.
  void set_asked(std::span<const Endpoint> asked);
  /// This server has answered; the first begins a survey.
  void server_answers(TimePoint now, const Endpoint& server);
  /// Something about the NAT has changed: surveys both families anew.
  void look_again(TimePoint now);

  /// True if the datagram belonged to a look; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: nothing pending
  [[nodiscard]] std::optional<Transmit> poll_transmit();        ///< call until nullopt

  [[nodiscard]] FilteringBehavior behavior(AddressFamily family) const;

 private:
  struct Family {
    std::vector<Endpoint> servers;  ///< that answered, in the order of their first answers
    std::size_t next_server = 0;    ///< of the survey under way
    int offered = 0;                ///< looks of it that could say something
    FilteringBehavior best = FilteringBehavior::kUnknown;  ///< of it
    std::optional<FilteringProbe> probe;
    std::optional<TimePoint> survey_at;  ///< the next survey begins then; nullopt: one is under way
    Duration retry = kFilteringRetry;
    FilteringBehavior known = FilteringBehavior::kUnknown;
  };
  [[nodiscard]] Family& of(AddressFamily family);
  void look(TimePoint now, Family& family);
  void follow(TimePoint now, Family& family);
  void end_survey(TimePoint now, Family& family);

  RandomSource& random_;
  std::vector<IpAddress> sent_to_;
  Family ipv4_, ipv6_;
};

}  // namespace kadwire::rendezvous
