#pragma once

/// What the hostile members have in common: they hold the secret, hear every record as a member
/// does, and put what they please, sealed for whatever hour. Sans-IO. What they please:
/// hostile_member.h.

#include <deque>
#include <set>
#include <vector>

#include "dht/listener.h"
#include "rendezvous/peer_record.h"
#include "tools/testnet/nodes/directory_user.h"
#include "tools/testnet/nodes/sim_mesh.h"

namespace kadwire::testnet {

/// Nodes whose first record is kept: more than any scenario with hostile members has.
inline constexpr std::size_t kVictimsMax = 256;
/// Requests not answered yet; a directory takes some hundreds at once.
inline constexpr std::size_t kAbusesUnderWayMax = 128;

class RecordAbuser : public DirectoryUser {
 public:
  /// `mesh` and `random` outlive the abuser, which acts once every `pause`.
  RecordAbuser(Now now, const SimMesh& mesh, RandomSource& random, Duration pause);

  void handle_event(Now now, const dht::DirectoryEvent& event) final;
  void handle_timeout(Now now) final;
  [[nodiscard]] std::optional<TimePoint> next_timeout() const final;
  [[nodiscard]] std::optional<dht::DirectoryRequest> poll_request() final;

 protected:
  /// One abuse, or none.
  virtual void act(Now now) = 0;
  /// Puts it under the topic of `hour`, sealed for that hour.
  void put(ByteView record, Hour hour);
  /// The first record of each node that was heard, oldest first.
  [[nodiscard]] const std::vector<rendezvous::SignedRecord>& victims() const { return victims_; }
  /// Adds one that this abuser made itself, so as not to take it for a victim's.
  void disown(const crypto::NodeId& node) { not_victims_.insert(node); }
  [[nodiscard]] const SimMesh& mesh() const { return mesh_; }
  [[nodiscard]] RandomSource& random() { return random_; }
  /// A record of today's, valid for as long as allowed, without candidates.
  [[nodiscard]] rendezvous::PeerRecord blank_record(Now now) const;

 private:
  void hear();
  const SimMesh& mesh_;
  RandomSource& random_;
  const Duration pause_;
  dht::OperationIds operations_;
  dht::Listener listener_;
  TimePoint next_act_;
  std::vector<rendezvous::SignedRecord> victims_;
  std::set<crypto::NodeId> not_victims_;  ///< or victims already
  std::set<dht::OperationId> under_way_;
  std::deque<dht::DirectoryRequest> requests_;
};

}  // namespace kadwire::testnet
