#pragma once

/// Learns one socket's server-reflexive endpoint from one STUN server and keeps the mapping alive:
/// the client side of STUN's Binding method without authentication (RFC 8489 §6.2.1, §6.3.3,
/// §6.3.4). Sans-IO. Not here: what several servers' answers mean together (nat_observer).
/// An answer counts only with the transaction's id and from the server's own endpoint: whoever does
/// not see the request cannot forge one.
/// Deviations: the first RTO is 200 ms, not 500 ms, because a request is 20 bytes and a lost one
/// delays a connection; ALTERNATE-SERVER (300) and retries of a 5xx are not followed, every error
/// is a failure; MAPPED-ADDRESS alone, which gateways rewrite, is a failure too.

#include <optional>
#include <variant>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {

/// First retransmission timeout; doubled after each request. Most round trips are shorter.
inline constexpr Duration kStunRtoInitial = 200ms;
inline constexpr int kStunRequestsMax = 7;  ///< Rc in the RFC
/// Rm in the RFC: how many first RTOs to wait after the last request. Gives up after 15.8 s in all.
inline constexpr int kStunLastWaitFactor = 16;
/// RFC 4787 REQ-5 promises 2 min; real NATs may forget after 30 s. Until it is known how long this
/// one remembers (lifetime_watch).
inline constexpr Duration kBindingRefresh = 25s;
/// Where another server keeps the same mapping alive: only to notice that the NAT has changed.
inline constexpr Duration kBindingRecheck = 5min;
/// Pause after a failed transaction: drawn from half of it to the whole, doubled up to the last.
inline constexpr Duration kServerPauseFirst = 5s;
inline constexpr Duration kServerPauseLast = 2min;

/// What a server said.
struct Binding {
  Endpoint mapped;     ///< as claimed: any address at all
  TimePoint asked_at;  ///< when its transaction began
  bool operator==(const Binding&) const = default;
};

class BindingClient {
 public:
  /// The first request is to be sent at once. `random` supplies transaction ids and must outlive
  /// this object.
  BindingClient(const Endpoint& server, RandomSource& random, TimePoint now);

  /// True if the datagram answers the latest transaction; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  [[nodiscard]] std::optional<Transmit> poll_transmit();  ///< call until nullopt

  /// Asks at once with a new transaction id, whatever the state.
  void refresh_now(TimePoint now);
  /// How long after an answer the server is asked again; kBindingRefresh at first.
  void set_pace(TimePoint now, Duration pace);

  /// The latest answer that named an endpoint; kept while the server is asked again or is silent.
  [[nodiscard]] const std::optional<Binding>& binding() const { return binding_; }
  /// The latest transaction that ended did so with an endpoint.
  [[nodiscard]] bool reachable() const {
    return binding_.has_value() && pause_ == Duration::zero();
  }

 private:
  //  Waiting ──answer──▶ Mapped ──refresh──▶ Waiting
  //     └──error, or 7 requests unanswered──▶ Unreachable ──pause──▶ Waiting
  struct Waiting {
    TimePoint asked_at;
    TimePoint due;  ///< the next request, or giving up
    Duration rto;
    int requests;  ///< sent so far
  };
  struct Mapped {
    TimePoint since;
  };
  struct Unreachable {
    TimePoint ask_at;
  };
  void retransmit_or_fail(TimePoint now, Waiting& waiting);
  void fail(TimePoint now);

  Endpoint server_;
  RandomSource& random_;
  Duration pace_ = kBindingRefresh;
  TimePoint paced_at_{};             ///< what the present pace would have asked before is due then
  StunTransactionId transaction_{};  ///< of the latest transaction, ended or not
  std::variant<Waiting, Mapped, Unreachable> state_;
  std::optional<Binding> binding_;
  Duration pause_{};  ///< zero unless the latest transaction that ended has failed
  bool unsent_ = false;
};

}  // namespace kadwire::rendezvous
