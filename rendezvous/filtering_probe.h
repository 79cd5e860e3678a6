#pragma once

/// Finds out whose packets a NAT or firewall lets in to one local port: asks one STUN server to
/// answer from another port, and from another address, than it was asked at (RFC 5780 §4.4).
/// Sans-IO; one look, which ends by itself. Not here: what several looks mean (nat_observer).
///
///   Asking ──OTHER-ADDRESS──▶ Testing ──kFilteringRounds, or all there is to know──▶ Finished
///      └──an answer without it, or none───────────────────────────────────────────▶
///
/// Loss is not taken for filtering. Each round sends an ordinary request beside the others, and
/// silence means something only if most of the ordinary ones were answered. An answer that came
/// proves its way in; so does none of a server's words.
/// Deviation: both changes are asked for at once, not one after the other. Whatever is let in by
/// one is not by the other's request, since both go to the same endpoint.

#include <optional>
#include <set>
#include <span>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "rendezvous/nat_behavior.h"
#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {

inline constexpr int kFilteringAsksMax = 4;
/// Between two requests for OTHER-ADDRESS, and between two rounds.
inline constexpr Duration kFilteringSpacing = 200ms;
/// With a fifth of all packets lost each way, all six answers are lost in two looks of a thousand,
/// and most of those looks lack ordinary answers too.
inline constexpr int kFilteringRounds = 6;
/// Ordinary answers that make silence count.
inline constexpr int kFilteringControlsMin = 4;
/// How long the last answers are waited for; a round trip is seldom as long.
inline constexpr Duration kFilteringLastWait = 800ms;

class FilteringProbe {
 public:
  /// `sent_to`: addresses that the port sends to besides the server's own; an answer from one of
  /// them would prove less. The first request is to be sent at once.
  FilteringProbe(const Endpoint& server, std::span<const IpAddress> sent_to, RandomSource& random,
                 TimePoint now);

  /// True if the datagram was an answer to one of our requests; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: finished
  [[nodiscard]] std::optional<Transmit> poll_transmit();        ///< call until nullopt

  [[nodiscard]] bool finished() const { return stage_ == Stage::kFinished; }
  /// The server can answer from elsewhere. If not, nothing will be known by it.
  [[nodiscard]] bool offered() const { return other_.has_value(); }
  /// As far as it is proven by now; what silence says only once it is finished.
  [[nodiscard]] FilteringBehavior result() const;
  [[nodiscard]] const Endpoint& server() const { return server_; }

 private:
  enum class Stage : std::uint8_t { kAsking, kTesting, kFinished };
  /// Also the first byte of a transaction's id; the second is the round.
  enum class Test : std::uint8_t { kControl = 1, kOtherPort = 2, kOtherAddress = 3 };

  void send(Test test);
  void begin_round(TimePoint now);
  void on_control(TimePoint now, int round, const StunMessage& answer);
  [[nodiscard]] bool asks_other_address() const;

  Endpoint server_;
  std::set<IpAddress> sent_to_;
  StunTransactionId transaction_{};
  Stage stage_ = Stage::kAsking;
  TimePoint due_;
  int round_ = 0;                  ///< of asking, then of testing
  std::optional<Endpoint> other_;  ///< what OTHER-ADDRESS said
  std::set<int> controls_;         ///< rounds of testing whose ordinary request was answered
  bool from_other_port_ = false;
  bool from_other_address_ = false;
  std::vector<Transmit> unsent_;
};

}  // namespace kadwire::rendezvous
