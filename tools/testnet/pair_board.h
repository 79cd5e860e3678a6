#pragma once

/// Which pairs of members have a tunnel, and which could: the simulator knows the truth of the
/// NATs. A pair is up when both devices would send under one session; it is possible when one of
/// the two would get through to the other unasked, when punching is certain to succeed
/// (punch_truth.h), or when both would get through to a third member with a public address.
/// A member that does not announce has to be the one that gets through.

#include <functional>
#include <map>
#include <vector>

#include "tools/testnet/population.h"
#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

class PairBoard {
 public:
  /// A pair came up or fell; the smaller index first.
  using ChangeHandler = std::function<void(Index a, Index b, PairState state)>;
  /// A possible pair lost its tunnel (true); it has one again, or is possible no more (false).
  using ApartHandler = std::function<void(Index a, Index b, bool apart)>;
  /// The first time since it started that this member has a tunnel, or every possible one.
  using MilestoneHandler = std::function<void(Index member, bool all)>;

  /// `population` and `internet` outlive the board. Takes over the members' session handlers.
  PairBoard(Population& population, const Internet& internet, const SimMesh& mesh);
  void set_handlers(ChangeHandler on_change, ApartHandler on_apart, MilestoneHandler on_milestone);

  /// The member started, stopped, moved, or its network changed.
  void refresh(Index member);
  void refresh_all();
  /// Finds the pairs that fell or took another path: neither makes a noise.
  void sweep();

  [[nodiscard]] std::size_t running() const;
  /// Pairs that must come up, and those that are up all the same: two that dial each other may open
  /// both firewalls by luck.
  [[nodiscard]] std::size_t possible() const {
    return possible_count_ + up_count_ - up_of_possible_;
  }
  [[nodiscard]] std::size_t up() const { return up_count_; }
  /// Of those up, the ones whose packets go through another member.
  [[nodiscard]] std::size_t relayed() const { return relayed_count_; }
  [[nodiscard]] bool all_possible_up() const { return up_of_possible_ == possible_count_; }
  [[nodiscard]] bool is_up(Index a, Index b) const;
  /// Whether possible() counts this pair.
  [[nodiscard]] bool is_possible(Index a, Index b) const;
  /// Possible pairs that are not up, for a report.
  [[nodiscard]] std::vector<std::pair<Index, Index>> missing() const;

 private:
  struct Pair {
    bool possible = false;
    bool up = false;
    // Set by update().
    bool relayed = false;
    bool met = false;  ///< had a tunnel since both run
    [[nodiscard]] bool apart() const { return met && possible && !up; }
  };
  struct Row {
    Index index = 0;  ///< of the population
    bool running = false;
    bool first_reached = false;  ///< milestones of this life
    bool all_reached = false;
    std::vector<rendezvous::LocalAddress> addresses;
    std::vector<rendezvous::Candidate> candidates;
    Surroundings surroundings;
    bool public_address = false;
    std::vector<std::size_t> relays;  ///< rows that it reaches and that may relay, ascending
    std::size_t possible = 0;
    std::size_t up_of_possible = 0;
    std::size_t up = 0;
  };
  [[nodiscard]] static std::size_t position(std::size_t a, std::size_t b);
  [[nodiscard]] const MemberNode& member(std::size_t row) const;
  void read_addresses(std::size_t row);
  void find_relays(std::size_t row);
  [[nodiscard]] bool dials_through(const Row& from, const Row& to) const;
  [[nodiscard]] bool relayed_only(std::size_t a, std::size_t b) const;
  [[nodiscard]] bool is_relayed(std::size_t a, std::size_t b) const;
  [[nodiscard]] bool sends_through_another(std::size_t from, std::size_t to) const;
  [[nodiscard]] bool compute_possible(std::size_t a, std::size_t b) const;
  void on_session(std::size_t row, const crypto::WireguardKey& peer);
  void update(std::size_t a, std::size_t b, Pair now);
  void reach(Row& row);

  Population& population_;
  const Internet& internet_;
  std::vector<Prefix> mesh_networks_;
  ChangeHandler on_change_;
  ApartHandler on_apart_;
  MilestoneHandler on_milestone_;
  std::vector<Row> rows_;
  std::vector<Pair> pairs_;  ///< the triangle below the diagonal
  std::map<crypto::WireguardKey, std::size_t> by_key_;
  std::map<IpAddress, std::size_t> public_addresses_;  ///< whose host has it
  std::map<Index, std::size_t> by_index_;
  std::size_t possible_count_ = 0, up_count_ = 0, up_of_possible_ = 0, relayed_count_ = 0;
};

}  // namespace kadwire::testnet
