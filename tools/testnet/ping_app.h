#pragma once

/// What the mesh is there for: each member pings its peers through the tunnels that stand, or
/// through any that WireGuard knows of, and answers. Counts what got lost.

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "tools/testnet/pair_board.h"

namespace kadwire::testnet {

/// A reply later than this is as good as none.
inline constexpr Duration kPingPatience = 3s;
/// An IPv6 and ICMPv6 header with ping's usual 56 bytes.
inline constexpr std::size_t kPingBytes = 40 + 8 + 56;

class PingApp {
 public:
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
    /// Between two answers of a peer's while both ran and were awake, or after the last one.
    Duration longest_silence{0};
  };
  /// The first answer in all.
  using FirstReplyHandler = std::function<void()>;
  /// All outlive it. `self` is an index of the population's. Pings from the host's next `every` on.
  PingApp(Population& population, const PairBoard& board, Index self, const Scenario& scenario,
          std::uint64_t seed, FirstReplyHandler on_first_reply);

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Pending {
    std::uint64_t sequence = 0;
    Index peer = 0;
    TimePoint sent;
  };
  void tick();
  void ping_some();
  [[nodiscard]] bool is_awake(Index peer) const;
  /// False if WireGuard does not know the peer.
  bool ping(Index peer);
  void give_up_overdue();
  void note_silence(Index peer, TimePoint now);
  void on_packet(const IpAddress& from, ByteView packet);
  [[nodiscard]] MemberNode& member() { return *population_[self_].member; }

  Population& population_;
  const PairBoard& board_;
  const Index self_;
  const Scenario& scenario_;
  FirstReplyHandler on_first_reply_;  ///< empty once there was one
  std::size_t next_peer_ = 0;         ///< position in Population::members()
  std::uint64_t last_sequence_ = 0;
  std::deque<Pending> pending_;  ///< oldest first
  std::map<Index, TimePoint>
      answered_;  ///< last, by peers that are awake; empty while self does not run
  Counts counts_;
  Lifetime lifetime_;
};

}  // namespace kadwire::testnet
