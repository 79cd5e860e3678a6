#pragma once

/// A member of the mesh: the production MeshNode and Driver on a simulated host, with a simulated
/// WireGuard interface and a disk that survives restarts.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/node_identity.h"
#include "dht/opendht_directory.h"
#include "node/driver.h"
#include "tools/testnet/nodes/program.h"
#include "tools/testnet/nodes/sim_mesh.h"
#include "tools/testnet/nodes/sim_ports.h"
#include "tools/testnet/nodes/simulated_device.h"

namespace kadwire::testnet {

inline constexpr std::uint16_t kWireguardPort = 51820;

class MemberNode final : public Program {
 public:
  struct Options {
    std::vector<Endpoint> bootstrap;
    std::string hostname;
    bool announces = true;
    std::uint64_t seed = 0;
    bool mailbox = true;
    bool lan = true;
    bool relayed_only = false;
  };
  /// Packets out of the tunnel, for whoever pings.
  using PacketHandler = std::function<void(const IpAddress& from, ByteView packet)>;

  /// `host` and `mesh` outlive the member.
  MemberNode(SimHost& host, const SimMesh& mesh, Options options);
  ~MemberNode() override;

  void start() override;
  void leave() override;
  /// WireGuard goes on by itself, as wireguard-go does; the next start adopts its tunnels.
  void crash() override;
  void cut_power() override;
  [[nodiscard]] bool running() const override { return running_ != nullptr; }
  /// It is leaving, or left so lately that its withdrawal may still be about.
  [[nodiscard]] bool withdrew_lately() const;
  void addresses_changed() override;
  [[nodiscard]] std::optional<std::string> violation() const override;
  [[nodiscard]] dht::DirectoryStats dht_stats() const override;
  /// nullopt: it does not run.
  [[nodiscard]] std::optional<node::NodeView> view() const;
  /// What became of its paths, in all its runs.
  [[nodiscard]] rendezvous::PathTally paths() const;
  /// Of the node; empty: it does not run.
  [[nodiscard]] std::vector<node::TableFill> tables() const;

  void set_packet_handler(PacketHandler handler);
  void set_session_handler(SimulatedDevice::SessionHandler handler);
  /// Told of each change of the device's peers before it is made.
  void set_change_observer(SimulatedDevice::ChangeObserver observer);
  void set_journal(SimJournal::Listener listener);

  [[nodiscard]] SimHost& host() { return host_; }
  [[nodiscard]] const SimHost& host() const { return host_; }
  [[nodiscard]] const crypto::NodeIdentity& identity() const { return identity_; }
  /// Its address inside the mesh.
  [[nodiscard]] const IpAddress& ipv6() const { return ipv6_; }
  [[nodiscard]] const SimulatedDevice& device() const { return *device_; }
  [[nodiscard]] SimulatedDevice& device() { return *device_; }
  /// Only while it runs.
  [[nodiscard]] const node::Driver& driver() const;

 private:
  struct Running;
  void make_device();
  void to_wireguard(const Packet& packet);
  SimHost& host_;
  const SimMesh& mesh_;
  Options options_;
  SeededRandom random_;
  crypto::NodeIdentity identity_;
  IpAddress ipv6_;
  std::vector<HostAddress> addresses_;  ///< the host's own, as last seen
  SimMemory memory_;
  SimJournal journal_;
  SimJournal::Listener journal_listener_;
  PacketHandler packet_handler_;
  SimulatedDevice::SessionHandler session_handler_;
  SimulatedDevice::ChangeObserver change_observer_;
  Lifetime lifetime_;
  bool ran_before_ = false;
  rendezvous::PathTally earlier_paths_;  ///< in runs that are over
  std::optional<TimePoint> withdrew_at_;
  std::unique_ptr<SimulatedDevice> device_;
  std::unique_ptr<Running> running_;
};

}  // namespace kadwire::testnet
