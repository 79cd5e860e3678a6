#pragma once

/// Relays that were asked for a port for one peer's sake. Whatever is said about that may be lost:
/// the request, its answer, and what tells the peer to ask as well. Each is said again long before
/// another relay's turn comes. Sans-IO.

#include <optional>
#include <vector>

#include "crypto/node_identity.h"
#include "node/base/time.h"

namespace kadwire::rendezvous {

/// Asked at once, and 0.3 and 0.9 s later unless all has gone well: at 10 % loss each way one in a
/// hundred and fifty fails. The first pause is a long round trip, with little left over.
inline constexpr int kRelayRequestsMax = 3;
inline constexpr Duration kRelayRequestSpacing = 300ms;
/// By then whatever one round of asking leads to has come, or never will.
inline constexpr Duration kRelayRequestTime = 1500ms;
/// Relays of one peer that may still answer: two rounds of asking.
inline constexpr std::size_t kRelaysAwaitedMax = 4;

class RelayRequests {
 public:
  /// This one has just been asked; the oldest makes room.
  void add(TimePoint now, const crypto::NodeId& relay);
  /// It has answered; false: it was not asked, or has answered before.
  bool note_answer(const crypto::NodeId& relay);
  /// Nothing is to be said again.
  void settle(const crypto::NodeId& relay);
  /// It was asked less than kRelayRequestTime ago and not settled since. An answer alone ends
  /// nothing: a refusal does because the agent settles the relay then.
  [[nodiscard]] bool is_under_way(TimePoint now, const crypto::NodeId& relay) const;

  /// What to say again now.
  struct Repeat {
    crypto::NodeId relay;
    bool unanswered = false;  ///< by the relay; else the peer may not know of it
  };
  /// Call until nullopt.
  [[nodiscard]] std::optional<Repeat> take(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next() const;

 private:
  struct Request {
    crypto::NodeId relay;
    TimePoint asked;
    int said = 1;
    bool answered = false;
    std::optional<TimePoint> due;
  };
  std::vector<Request> requests_;  ///< the oldest first
};

}  // namespace kadwire::rendezvous
