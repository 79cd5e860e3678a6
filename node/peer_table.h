#pragma once

/// One row per member, and the sole owner of what is known about it. Only signed records change a
/// row; a higher sequence replaces a lower one and nothing else does. Bounded. Sans-IO.

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "crypto/key_schedule.h"
#include "node/membership/lease.h"
#include "node/tunnel.h"
#include "rendezvous/peer_record.h"

namespace kadwire::node {

/// A thousand members is this design's size; beyond it a stranger's keys would fill the memory.
inline constexpr std::size_t kPeersMax = 1024;
/// Members that left and must not be brought back by an old record.
inline constexpr std::size_t kDepartedMax = 1024;

enum class Source : std::uint8_t {
  kDht = 1,
  kCache = 2,
  kMember = 3,  ///< it told us itself, in a call or a pair session
  kLan = 4,     ///< it said so on a link of ours
};

struct PeerRow {
  rendezvous::SignedRecord signed_record;
  bool from_dht = false;
  bool from_cache = false;
  bool from_member = false;
  bool from_lan = false;
  bool has_targets = false;             ///< its record names an endpoint that may be sent to
  WallTime seen;                        ///< when its newest record arrived
  IpAddress ipv6;                       ///< derived from the NodeId
  std::optional<IpAddress> ipv4_claim;  ///< nullopt: it believes in another IPv4 network
  bool holds_lease = false;
  std::optional<TimePoint> held_since;
  bool lease_remembered = false;  ///< its claim was known before this run: pinned at once
  Tunnel tunnel;
  std::optional<PeerStatus> status;  ///< from the device's last snapshot

  [[nodiscard]] const rendezvous::PeerRecord& record() const { return signed_record.record; }
};

class PeerTable {
 public:
  enum class Verdict {
    kNew,
    kUpdated,
    kKnown,     ///< this sequence or a later one is here already
    kDeparted,  ///< a tombstone took a row away
    kExpired,
    kFromTheFuture,
    kConflict,  ///< its WireGuard key or IPv6 address belongs to another member
    kFull,
  };

  /// `keys` and `self` outlive the table. `self` is never a row, nor is its WireGuard key a row's.
  PeerTable(const crypto::KeySchedule& keys, const crypto::NodeIdentity& self, Prefix ipv4_network);

  /// `tunnel` is given to the row if it is new.
  Verdict apply(Now now, rendezvous::SignedRecord record, Source source, const Tunnel& tunnel);
  /// Removes rows whose record expired and whose tunnel is silent, and forgets old tombstones.
  /// True if a row went.
  bool expire(Now now);
  /// Gives every address to the claim that prevails, `self`'s among them. True if `self` holds its
  /// own.
  bool assign_addresses(Now now, const LeaseClaim& self);
  /// Nobody holds an IPv4 address: the mesh's range cannot be used on this host.
  void release_addresses();
  /// True if `address` is claimed by any row.
  [[nodiscard]] bool is_claimed(const IpAddress& address) const;

  [[nodiscard]] std::map<crypto::NodeId, PeerRow>& rows() { return rows_; }
  [[nodiscard]] const std::map<crypto::NodeId, PeerRow>& rows() const { return rows_; }
  [[nodiscard]] std::size_t departed() const { return departed_.size(); }
  /// Every record worth remembering, tombstones included. Holders of leases come first: whoever
  /// loads the records in order gives the addresses to the same nodes again.
  [[nodiscard]] std::vector<Bytes> records() const;

 private:
  Verdict bury(const rendezvous::SignedRecord& record);
  [[nodiscard]] std::uint64_t known_sequence(const crypto::NodeId& node) const;
  [[nodiscard]] bool conflicts(const rendezvous::PeerRecord& record) const;
  void fill(Now now, PeerRow& row, rendezvous::SignedRecord record, Source source) const;

  const crypto::KeySchedule& keys_;
  const crypto::NodeIdentity& self_;
  Prefix ipv4_network_;
  IpAddress self_ipv6_;
  std::map<crypto::NodeId, PeerRow> rows_;
  std::map<crypto::NodeId, rendezvous::SignedRecord> departed_;
};

}  // namespace kadwire::node
