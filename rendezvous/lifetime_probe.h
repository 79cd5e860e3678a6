#pragma once

/// Finds out whether a NAT or firewall keeps an idle UDP mapping for a given time (RFC 5780 §4.6):
/// one port of this host talks to a STUN server and falls silent, and after that time another port
/// asks the same server to answer to the first one's mapping. What is heard there proves that the
/// mapping lived. Sans-IO; one look, which ends by itself. Not here: which times to look at
/// (lifetime_watch).
///
///   Mapping ──mapped──▶ Proving ──heard──▶ Warming ──mapped──▶ Silent ──▶ Asking ──▶ Finished
///      └───── or too few answers ──┴──────────┴────────────────────────────────────▶
///
/// The answers come from the endpoint that the silent port sent to, so filtering by address and
/// port lets them in too. That an answer gets there at all is proved before the silence, so a
/// server that cannot do it, or a NAT that gives the two ports different addresses, is no short
/// lifetime. Nor is loss: each question is asked several times, each time beside an ordinary one,
/// and silence counts only if most of the ordinary ones were answered.
/// Deviation: the silent port speaks twice, kLifetimeWarmUp apart. Linux gives a flow that went
/// both ways for 2 s a longer time than a single request, and WireGuard's flows are such.

#include <optional>
#include <set>
#include <vector>

#include "node/base/random.h"
#include "node/base/transmit.h"
#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {

/// Between two requests of the same kind.
inline constexpr Duration kLifetimeSpacing = 300ms;
/// So often at most the silent port asks for its mapping, and the other for a proof.
inline constexpr int kLifetimeAsksMax = 4;
inline constexpr Duration kLifetimeWarmUp = 3s;
/// With a fifth of all packets lost each way, all six answers are lost in two looks of a thousand.
inline constexpr int kLifetimeRounds = 6;
/// Ordinary answers that make silence count.
inline constexpr int kLifetimeControlsMin = 4;
/// How long the last answers are waited for; a round trip is seldom as long.
inline constexpr Duration kLifetimeLastWait = 1s;

/// Which of the host's ports a datagram leaves from or came in at.
enum class LifetimePort : std::uint8_t {
  kSilent,  ///< one that nothing else uses, so that nothing else keeps its mapping
  kAsking,  ///< any other
};

enum class LifetimeVerdict : std::uint8_t {
  kUnknown,      ///< not finished, or too much was lost
  kAlive,        ///< an answer got in after the silence: proof
  kGone,         ///< none did, where ordinary ones came: one look of it may be mistaken
  kUnanswered,   ///< the server does not answer
  kUnsupported,  ///< it does, but not to another port, or that port has another address outside
};

class LifetimeProbe {
 public:
  /// `silence`: the time in question. The first request is to be sent at once.
  LifetimeProbe(const Endpoint& server, Duration silence, RandomSource& random, TimePoint now);

  /// True if the datagram was an answer to one of our requests; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, LifetimePort port, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: finished
  /// What is to leave from this port; call until nullopt.
  [[nodiscard]] std::optional<Transmit> poll_transmit(LifetimePort port);

  [[nodiscard]] bool finished() const { return stage_ == Stage::kFinished; }
  [[nodiscard]] LifetimeVerdict verdict() const { return verdict_; }

 private:
  enum class Stage : std::uint8_t { kMapping, kProving, kWarming, kSilent, kAsking, kFinished };
  /// Also the first byte of a transaction's id; the second is the stage, the third the round.
  enum class Test : std::uint8_t { kMapping = 1, kControl = 2, kRedirected = 3 };
  struct Outgoing {
    LifetimePort port;
    Transmit transmit;
  };

  void enter(TimePoint now, Stage stage);
  void repeat(TimePoint now);
  void give_up();
  void finish(LifetimeVerdict verdict);
  void send(Test test);
  void on_mapped(TimePoint now, const StunMessage& answer);
  void on_redirected(TimePoint now, Stage asked_in);
  [[nodiscard]] int rounds_max() const;

  Endpoint server_;
  Duration silence_;
  StunTransactionId transaction_{};
  Stage stage_ = Stage::kMapping;
  int round_ = 0;  ///< of this stage
  TimePoint due_;
  std::optional<Endpoint> mapped_;  ///< the silent port's
  TimePoint mapped_at_;             ///< when its first answer came
  std::set<int> controls_;          ///< rounds of asking whose ordinary request was answered
  LifetimeVerdict verdict_ = LifetimeVerdict::kUnknown;
  std::vector<Outgoing> unsent_;
};

}  // namespace kadwire::rendezvous
