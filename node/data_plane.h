#pragma once

/// Keeps the WireGuard device in step with the peer table: adds and removes peers, dials, and
/// watches tunnels come up and fall silent. Sans-IO. It decides nothing about who is a peer.

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "crypto/key_schedule.h"
#include "node/action.h"
#include "node/peer_table.h"

namespace kadwire::node {

/// A device that never answers a snapshot request is asked again after this.
inline constexpr Duration kSnapshotPatience = 3s;

/// Tunnels of an earlier run that belong to nobody known stay until they have been silent for so
/// long. Who they belong to may only have been forgotten, and is met again by then; or its record
/// is not believed, because this host's clock went wrong, and the tunnel carries data all the same.
inline constexpr Duration kStrangerSilenceMax = kSilenceMax;

class DataPlane {
 public:
  /// All references outlive this object. `adopted`: the device has tunnels from an earlier run, so
  /// nothing is changed before they were seen, and none is removed that is not silent.
  DataPlane(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
            RandomSource& random, PeerTable& peers, bool adopted, Now now);

  void handle_event(Now now, const DeviceEvent& event);
  void handle_timeout(Now now);
  /// Rows came, went or changed.
  void peers_changed(Now now);
  /// This host's own addresses changed: standing tunnels must leave from the new ones.
  void addresses_changed(Now now);
  /// The host was suspended for so long: sessions grew old meanwhile.
  void handle_resume(Now now, Duration asleep);
  /// WireGuard is to reach this peer here. A standing tunnel moves without a gap.
  void set_path(Now now, const crypto::NodeId& node, const Tunnel::Path& path);
  /// How long this side of every tunnel may be silent; kKeepalive at first.
  void set_keepalive(std::chrono::seconds keepalive);
  [[nodiscard]] std::chrono::seconds keepalive() const { return keepalive_; }
  /// Stops acting; the device keeps its peers.
  void stop() { stopped_ = true; }

  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<Action> poll_action();
  /// What passed through a standing tunnel since it was last looked at; empty when all was told.
  struct Traffic {
    crypto::NodeId node;
    Tunnel::Traffic since_last;
  };
  [[nodiscard]] std::optional<Traffic> poll_traffic();
  [[nodiscard]] bool device_up() const { return device_up_; }

 private:
  void on_snapshot(Now now, const DeviceSnapshot& snapshot);
  void on_ready(Now now);
  void dial(Now now, bool statuses_fresh);
  void reconcile();
  /// Nothing, if there is none.
  void tell_endpoint(ApplyPeers& apply, const PeerRow& row,
                     const std::optional<Endpoint>& endpoint) const;
  void nudge(ApplyPeers& apply, const PeerRow& row) const;
  void submit(ApplyPeers apply);
  void watch_strangers(Now now);
  void note_applied(const PeerConfig& config);
  void ask_snapshot(Now now);
  void notice(Notice::Level level, std::string text);
  [[nodiscard]] bool idle() const { return stopped_ || !device_up_ || !seen_; }
  [[nodiscard]] PeerConfig desired(const PeerRow& row) const;
  [[nodiscard]] crypto::SecretBytes psk(const crypto::WireguardKey& peer) const;

  const crypto::KeySchedule& keys_;
  const crypto::NodeIdentity& identity_;
  RandomSource& random_;
  PeerTable& peers_;
  std::vector<PeerStatus> actual_;  ///< the device's peers as last seen or told
  std::chrono::seconds keepalive_ = kKeepalive;
  bool moved_ = false;  ///< our addresses changed since the last snapshot
  bool stopped_ = false;
  bool device_up_ = true;
  bool seen_;  ///< false: an adopted device not looked at yet
  /// A tunnel of an earlier run that belongs to nobody known.
  struct Stranger {
    std::uint64_t rx_bytes = 0;
    TimePoint heard;
  };
  std::map<crypto::WireguardKey, Stranger> strangers_;  ///< only of the first snapshot
  TimePoint next_stranger_look_;                        ///< if there are any
  std::optional<TimePoint> snapshot_asked_;
  bool changed_since_asked_ = false;  ///< so the snapshot under way may be old
  std::deque<Traffic> traffic_;
  std::deque<Action> actions_;
};

}  // namespace kadwire::node
