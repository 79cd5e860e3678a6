#pragma once

/// The paths that may lead to one peer, each with the pings that check it. Sans-IO; the protocol
/// that these pings belong to is punch_session's.

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "rendezvous/candidate.h"
#include "rendezvous/path_choice.h"

namespace kadwire::rendezvous {

/// What the record claims, as many again that showed up, relays and introducers.
inline constexpr std::size_t kPathsMax = 2 * kCandidatesMax + 6;
/// A path is checked by pings at 0, 100, 300, 700 and 1500 ms: five losses in a row at 10 % are one
/// in a hundred thousand.
inline constexpr int kCheckPings = 5;
inline constexpr Duration kCheckSpacing = 100ms;
/// How long the last of them is waited for.
inline constexpr Duration kCheckPatience = 1s;
/// Whether a path that went silent is dead: three pings, so close that the whole takes a second.
inline constexpr int kDoubtPings = 3;
inline constexpr Duration kDoubtSpacing = 250ms;
/// The same where another relay is in reserve: a false alarm costs nothing, so two pings will do,
/// this far apart, and the second is waited for an eighth more than a round trip.
inline constexpr int kQuickDoubtPings = 2;
inline constexpr Duration kQuickDoubtSpacing = 30ms;
/// A relay in reserve is pinged so often: it stays proven, its port stays open (kRelayIdle), and so
/// do NAT bindings of 30 s.
inline constexpr Duration kReserveSpacing = 20s;

/// Side ports that the peer has hit: one is enough, and what it sent before it heard of that may
/// hit another.
inline constexpr std::size_t kSidePathsMax = 4;

/// Ports of relays that led to the peer and are out of use: what still comes from there is no sign
/// of a direct path. Two in use, and two before them.
inline constexpr std::size_t kFormerRelaysMax = 4;

/// Where a frame comes in or goes out: an endpoint, or a member that passes it on.
struct Way {
  Endpoint endpoint;
  std::optional<crypto::NodeId> introducer{};  ///< then `endpoint` says nothing
  std::uint16_t side_port = 0;  ///< of this host, instead of WireGuard's; 0: WireGuard's
  bool operator==(const Way&) const = default;
};

/// A ping that was sent.
struct Check {
  std::uint32_t id = 0;
  TimePoint sent;
  bool use = false;  ///< it said that the path is used
};

struct Path {
  Way way;
  std::optional<crypto::NodeId> relay;
  bool claimed = false;   ///< in the peer's record now
  bool answered = false;  ///< was proven once
  bool proven = false;
  bool measured = false;   ///< `rtt` is a ping's, else a handshake's
  bool nominated = false;  ///< the controlling side uses it
  bool told = false;       ///< the peer has answered a ping that said so
  Duration rtt{0};
  std::uint8_t load = 0;     ///< of the relay, by its last word
  TimePoint load_said;       ///< when that was
  bool load_awaited = true;  ///< it was asked, and has not said: else it is not heard
  TimePoint heard;
  int checks_left = 0;
  Duration spacing{0};
  bool in_haste = false;         ///< the verdict may be a wrong one
  std::optional<TimePoint> due;  ///< the next ping, or, none being left, the verdict
  /// At most kCheckPings, oldest first. Between checks it holds no memory: every peer has paths.
  std::vector<Check> pending;

  /// Claimed, or through a member, or once answered: a mere source may be forged, and gets nothing
  /// but answers.
  [[nodiscard]] bool is_worth_trying() const {
    return claimed || answered || relay || way.introducer;
  }
  /// So many pings from now on, and a verdict.
  void check(TimePoint now, int pings, Duration first_spacing);
  /// A path that worked: is it dead?
  void doubt(TimePoint now);
  /// The same, where being wrong costs little. The answer to what was sent just now may be under
  /// way, unless something came within the last round trip: then it is waited for.
  void doubt_quickly(TimePoint now);
  /// Something came over it. A doubt of which nothing was said yet is none any more.
  void note_traffic(TimePoint now);
  /// The ping that is due was sent under this id.
  void note_sent(TimePoint now, std::uint32_t id, bool use);
  /// True if the time of the verdict has come, and nobody answered: the path is not proven any
  /// more.
  [[nodiscard]] bool take_verdict(TimePoint now);
  /// The ping with this id; nullptr: it was none of this path's last ones.
  [[nodiscard]] const Check* find_check(std::uint32_t id) const;
  /// An answer came, this long after its ping.
  void note_answer(Duration round_trip);
};

class PathTable {
 public:
  [[nodiscard]] auto begin() { return paths_.begin(); }
  [[nodiscard]] auto end() { return paths_.end(); }
  [[nodiscard]] auto begin() const { return paths_.begin(); }
  [[nodiscard]] auto end() const { return paths_.end(); }

  /// nullptr: unknown. Like the others valid until a path is added or removed.
  [[nodiscard]] Path* find(const Way& way);
  [[nodiscard]] const Path* find(const Way& way) const;
  /// The path by this way, made if there is room (for kSidePathsMax with side ports); nullptr:
  /// there is none. `kept` stays in any case.
  [[nodiscard]] Path* find_or_add(TimePoint now, const Way& way, const std::optional<Way>& kept);
  /// The path at a relay's port. A relay serves a pair at one port: an earlier one goes, if it is
  /// not `kept`.
  [[nodiscard]] Path* add_relayed(TimePoint now, const Endpoint& endpoint,
                                  const crypto::NodeId& relay, const std::optional<Way>& kept);
  /// Whatever leads through this member goes, but for `kept`.
  void forget_member(const crypto::NodeId& node, const std::optional<Way>& kept);
  void forget_relays();
  /// The relay that had, or has, a port for this peer here.
  [[nodiscard]] std::optional<crypto::NodeId> relay_at(const Endpoint& endpoint) const;
  /// Relays that do not answer: there is none, or it has closed. So have side ports that are
  /// silent.
  void forget_dead_ends();
  /// The proven one that was heard from last, else the last introducer that passed something on:
  /// until that is proven, the peer would have to wait for whatever is said. nullptr: none.
  /// `straight`: without introducers.
  [[nodiscard]] const Path* last_heard(bool straight) const;
  /// The relays of paths that are proven or being checked.
  [[nodiscard]] std::vector<crypto::NodeId> relays() const;
  /// A path through it is proven.
  [[nodiscard]] bool relay_works(const crypto::NodeId& relay) const;
  /// Those over which answers came, the nearest first.
  [[nodiscard]] std::vector<crypto::NodeId> working_introducers() const;
  [[nodiscard]] std::optional<TimePoint> next_due() const;

 private:
  /// Erases, and remembers which endpoints were relays'.
  template <typename Predicate>
  void erase_if(Predicate goes);
  void remember(const Path& path);

  std::vector<Path> paths_;
  std::vector<std::pair<Endpoint, crypto::NodeId>> former_relays_;  ///< the oldest first
};

}  // namespace kadwire::rendezvous
