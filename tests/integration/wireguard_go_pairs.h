#pragma once

/// Plays a script on many pairs of wireguard-go at once: two hosts of the lab, a pair of interfaces
/// on them for each run, each with a port of its own.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "crypto/node_identity.h"
#include "node/ports/wireguard_device.h"
#include "tests/integration/tunnel_script.h"
#include "tools/lab/lab.h"

namespace kadwire::lab {

class WireguardGoPairs {
 public:
  /// Starts all of them; `lab` outlives them. Throws std::runtime_error if that fails.
  WireguardGoPairs(Lab& lab, std::size_t count);
  ~WireguardGoPairs();

  /// Every pair begins 10 ms after the one before. Blocks for the script's length.
  [[nodiscard]] std::vector<Outcome> play(const Script& script);

 private:
  struct Interface;
  struct Pair;
  struct Event;
  void start_interfaces(Side side);
  [[nodiscard]] std::vector<Event> schedule_of(const Script& script) const;
  void perform(Pair& pair, const Step& step, std::chrono::seconds keepalive);
  void set_cut(bool cut);
  void move(Side side);
  void send_packet(const Interface& from, const Interface& to);
  [[nodiscard]] Outcome look_at(const Pair& pair) const;
  void remove_peers();
  [[nodiscard]] Host& host(Side side) const { return *hosts_[static_cast<std::size_t>(side)]; }

  std::array<Host*, 2> hosts_{};
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::array<node::UniqueFd, 2> sockets_;  ///< where the tunnels' packets come from and go to
};

}  // namespace kadwire::lab
