#pragma once

/// The sessions of one pair of members: calls and answers that make them (Noise IK, one round
/// trip), and what is sealed and opened under them. Sans-IO; knows no endpoints and no paths.
/// Both sides may call at once; every session that comes of it is good, each side sends under the
/// newest that it knows the other has, and receives under the last few.
///
///   call   ── frame 1 ─▶  answer ── frame 2 ─▶ session, confirmed for the caller
///                         session, confirmed for the called by the first message under it

#include <memory>
#include <optional>
#include <vector>

#include "crypto/key_schedule.h"
#include "crypto/noise_handshake.h"
#include "rendezvous/frame.h"
#include "rendezvous/pair_message.h"
#include "rendezvous/session_indices.h"

namespace kadwire::rendezvous {

/// A call is repeated as it is for so long, then made anew with the record as it is then.
inline constexpr Duration kCallLifetime = 5s;
/// A session is replaced after an hour by one of the two sides, soon after by the other, and
/// forgotten a while later: a key stolen opens no more than that.
inline constexpr Duration kSessionLifetime = 60min;
inline constexpr Duration kSessionLifetimeOther = 65min;
inline constexpr Duration kSessionExpiry = 75min;
/// Of each sort: confirmed, and answered but not confirmed. Crossing calls make two at once, which
/// the two sides hold in different orders, and the older two are in use until the newer are
/// confirmed; replayed calls must not push out at once what is being made.
inline constexpr std::size_t kSessionsOfSortMax = 4;

/// What a node's links share; all of it outlives them.
struct LinkContext {
  const crypto::KeySchedule& keys;
  const crypto::NodeIdentity& identity;
  FrameKeys& frame_keys;
  SessionIndices& indices;
  RandomSource& random;
};

/// The payload of a call: who calls, and how new the called's record is that the caller has.
struct CallPayload {
  std::uint64_t known_sequence = 0;
  ByteView record;
};

/// A call as it came, proved to be from the owner of `call.initiator()`.
struct ReceivedCall {
  std::uint32_t caller_index = 0;
  crypto::NoiseResponder call;
};

/// nullopt: not made for us by a member. `payload` is a frame's. Costs up to two key agreements.
[[nodiscard]] std::optional<ReceivedCall> read_call(const LinkContext& context, ByteView payload);
/// The payload of a call; nullopt: malformed. A view into `call`.
[[nodiscard]] std::optional<CallPayload> read_call_payload(ByteView payload);
/// The number of ours that an answer or a session's message is for; nullopt: too short.
[[nodiscard]] std::optional<std::uint32_t> receiver_index(ByteView payload);

class PairLink {
 public:
  /// `peer` is a valid NodeId: its record's signature was verified.
  PairLink(const LinkContext& context, const crypto::NodeId& peer);
  PairLink(const PairLink&) = delete;
  PairLink& operator=(const PairLink&) = delete;
  ~PairLink();

  /// The frame that calls the peer.
  [[nodiscard]] Bytes call(Now now, std::uint64_t known_sequence, ByteView own_record);
  /// The frame that answers a call of this peer's, and the session it begins. `seen`: where from.
  [[nodiscard]] Bytes answer(Now now, ReceivedCall call, const Endpoint& seen);
  struct Answered {
    Endpoint seen;  ///< where the peer saw the call come from
  };
  /// nullopt: no answer to the call under way.
  [[nodiscard]] std::optional<Answered> handle_answer(Now now, ByteView payload);

  struct Received {
    PairMessage message;
    bool confirms = false;  ///< the first under its session: the peer has it for certain
  };
  /// `type`: of the frame, kSession or kBind. nullopt: not the peer's, seen before, or malformed.
  [[nodiscard]] std::optional<Received> open(Now now, FrameType type, ByteView payload);
  /// The frame with this message; nullopt: there is no session to send under.
  [[nodiscard]] std::optional<Bytes> seal(Now now, FrameType type, const PairMessage& message);

  /// Drops what is older than kSessionExpiry, so that its keys are gone though nobody talks.
  void forget_expired(TimePoint now) { trim(now); }
  /// A session to send under is there.
  [[nodiscard]] bool established() const;
  /// When that session was made.
  [[nodiscard]] std::optional<TimePoint> established_at() const;
  /// When this side should call to replace the session; nullopt: there is none.
  [[nodiscard]] std::optional<TimePoint> renewal() const;
  [[nodiscard]] const crypto::NodeId& peer() const { return peer_; }

 private:
  struct Session {
    std::uint32_t own_index = 0;
    std::uint32_t peer_index = 0;
    crypto::NoiseSession noise;
    TimePoint made;
    bool confirmed = false;
  };
  struct Call {
    std::uint32_t own_index = 0;
    crypto::NoiseInitiator noise;
    TimePoint made;
  };
  void drop_call();
  void add(Session session);
  void trim(TimePoint now);
  [[nodiscard]] Session* sending();
  [[nodiscard]] const Session* sending() const;

  const LinkContext& context_;
  crypto::NodeId peer_;
  crypto::NoiseKey peer_key_;
  std::unique_ptr<Call> call_;     ///< apart: large, and gone after seconds
  std::vector<Session> sessions_;  ///< the newest first
};

}  // namespace kadwire::rendezvous
