#pragma once

/// Withdrawals that may come late. A member that leaves and is back a moment later signs a newer
/// record; where the DHT brings the withdrawal first, or that record never, to bury the member
/// would tear down the tunnel and the pair session that its new run has. So a member that has a
/// session is asked, by pings, and is gone if it does not answer: whoever leaves does not. Sans-IO.
/// Not here: asking, and what the answers are (mesh_node).

#include <functional>
#include <map>
#include <optional>

#include "crypto/node_identity.h"
#include "node/base/time.h"
#include "rendezvous/peer_record.h"

namespace kadwire::node {

/// Asked again after this, since pings get lost; or after half as long again as the round trip,
/// since another ping makes an answer to the last one void.
inline constexpr Duration kFarewellSpacing = 150ms;
/// Given up after so many spacings: half a second where the round trip is 100 ms or less.
inline constexpr int kFarewellSpacings = 3;
/// No round trip counts as longer: whoever is gone is to be gone.
inline constexpr Duration kFarewellRttMax = 1s;

class Farewells {
 public:
  /// The member was asked just now, and `rtt` is its round trip, if known. Of several withdrawals
  /// the newest counts; the time is the first one's.
  void add(TimePoint now, rendezvous::SignedRecord record, Duration rtt);
  /// The member is being asked already.
  [[nodiscard]] bool doubts(const crypto::NodeId& node) const { return farewells_.contains(node); }
  /// Forgets those of members of which this is true.
  void drop_if(const std::function<bool(const crypto::NodeId&)>& is_there);
  /// Whom to ask again now, unless the time is up; call until nullopt.
  [[nodiscard]] std::optional<crypto::NodeId> take_question(TimePoint now);
  /// A withdrawal that holds, as nobody spoke against it; call until nullopt.
  [[nodiscard]] std::optional<rendezvous::SignedRecord> take_settled(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next() const;

 private:
  struct Farewell {
    rendezvous::SignedRecord record;
    Duration spacing;
    TimePoint ask;
    TimePoint end;
  };
  std::map<crypto::NodeId, Farewell> farewells_;  ///< at most as many as there are peers
};

}  // namespace kadwire::node
