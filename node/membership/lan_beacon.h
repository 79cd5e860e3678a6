#pragma once

/// When this node tells everybody on its links who it is, and what it hears so of others: members
/// on one link find each other with no DHT and no internet. Sans-IO.
///   own record, addresses ──▶ burst ──▶ every minute ──▶ poll_beacon ──▶ multicast on every link
///   somebody new on the link ──▶ one beacon soon: it need not wait for the minute
/// A beacon is heard, not answered: a tunnel comes of it by calls, as with any other way of finding
/// a member. Not here: whose record it is (peer_table.h), the sockets (ports/lan_port.h).

#include <optional>
#include <string>
#include <vector>

#include "crypto/key_schedule.h"
#include "dht/id_memory.h"
#include "node/base/random.h"
#include "node/base/time.h"
#include "node/ports/network_monitor.h"
#include "rendezvous/beacon.h"
#include "rendezvous/source_limiter.h"

namespace kadwire::node {

/// After the own record or the addresses changed: three beacons, so that one lost on a busy radio
/// link costs little, the later ones for switches that learn of our membership only now.
inline constexpr int kBeaconBurst = 3;
inline constexpr Duration kBeaconSpacing = 500ms;
/// Then spread around a minute: 200 members on a link send 3 a second, 2 KB.
inline constexpr Duration kBeaconPauseShortest = 45s;
inline constexpr Duration kBeaconPauseLongest = 75s;
/// For somebody new: not all members of a link at the same moment, and not for each of them.
inline constexpr Duration kBeaconWelcomeSpread = 200ms;
inline constexpr Duration kBeaconSpacingMin = 250ms;
/// Beacons opened: a whole link's that starts at once, then more than any link has. Two signatures
/// each.
inline constexpr rendezvous::Rate kBeaconsHeard{20, 256};
/// A beacon that was heard is a replay when it comes again; its hour is over by then.
inline constexpr Duration kBeaconMemory = 2h;
/// Links on which beacons are sent: more than any home has, fewer than a host of containers.
inline constexpr std::size_t kLanLinksMax = 16;

/// The interfaces to send beacons on: those with an address that candidates could name, IPv4 or
/// IPv6, each once, containers' bridges last; at most kLanLinksMax.
[[nodiscard]] std::vector<std::string> lan_links(const NetworkState& network);

class LanBeacon {
 public:
  /// Both outlive this object.
  LanBeacon(const crypto::KeySchedule& keys, RandomSource& random);

  /// Says this from now on. Empty records are not said.
  void set_record(Now now, Bytes record);
  /// Other links may hear it now.
  void network_changed(Now now);
  /// Somebody is there that was not before, and may not have heard of us.
  void welcome(Now now);
  /// The record in a member's beacon, not verified, each once; nullopt: nothing new.
  [[nodiscard]] std::optional<Bytes> handle_datagram(Now now, ByteView datagram);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  /// The beacon that is due, for every link; nullopt: none is. To be polled after each input.
  [[nodiscard]] std::optional<Bytes> poll_beacon(Now now);

 private:
  void begin_burst(Now now);

  const crypto::KeySchedule& keys_;
  RandomSource& random_;
  rendezvous::FrameKeys frame_keys_;
  Bytes record_;
  int burst_left_ = 0;
  std::optional<TimePoint> due_;
  std::optional<TimePoint> sent_;
  rendezvous::TokenBucket heard_;
  dht::IdMemory known_{kBeaconMemory};  ///< by the beginning of their seals' nonces
};

}  // namespace kadwire::node
