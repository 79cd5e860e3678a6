#include "tools/testnet/nodes/member_node.h"

#include <cassert>
#include <utility>

#include "rendezvous/gateway_message.h"
#include "rendezvous/stun_message.h"
#include "tools/testnet/nodes/gauged_directory.h"

namespace kadwire::testnet {
namespace {

/// Not the DHT node's: members are clients with a port of their own.
constexpr std::uint16_t kMemberDhtPort = 40'000;
constexpr std::uint16_t kMemberLifetimePort = 40'001;
/// A withdrawal is a value like any other: the DHT keeps it for ten minutes.
constexpr auto kWithdrawalLifetime = 10min;

/// Every bootstrap node answers STUN.
std::vector<Endpoint> stun_servers(std::span<const Endpoint> bootstrap) {
  std::vector<Endpoint> servers;
  for (const Endpoint& host : bootstrap) servers.push_back({host.address, rendezvous::kStunPort});
  return servers;
}

}  // namespace

struct MemberNode::Running {
  Running(MemberNode& member, node::MeshNodeConfig config)
      : scheduler(member.host_),
        dht_socket(member.host_, kMemberDhtPort, all_traffic<TrafficKind::kDht>),
        directory(make_directory(member)),
        monitor(member.host_),
        wireguard_port(member.host_, kWireguardPort,
                       [&member](const Packet& packet) { member.to_wireguard(packet); }),
        relay_ports(member.host_),
        gateway_socket(member.host_, rendezvous::kGatewayAnnouncementPort,
                       all_traffic<TrafficKind::kGateway>),
        lan_port(member.host_),
        lifetime_socket(member.host_, kMemberLifetimePort, all_traffic<TrafficKind::kStun>),
        suspend_monitor(member.host_),
        node(std::move(config), member.mesh_.keys(), member.identity_, member.random_,
             scheduler.now()),
        driver({scheduler, dht_socket, directory, *member.device_, monitor, member.memory_,
                member.journal_, &wireguard_port, &relay_ports, &gateway_socket, nullptr, &lan_port,
                &lifetime_socket, &suspend_monitor},
               node, "kadwire0") {}

  std::unique_ptr<dht::OpendhtDirectory> make_directory(MemberNode& member) {
    auto made = std::make_unique<dht::OpendhtDirectory>(
        scheduler.now(), dht::OpendhtOptions{.saved_nodes = member.memory_.dht_nodes},
        member.random_);
    opendht = made.get();
    return made;
  }

  SimScheduler scheduler;
  SimSocket dht_socket;
  dht::OpendhtDirectory* opendht = nullptr;  ///< inside `directory`
  GaugedDirectory directory;
  SimMonitor monitor;
  SimWireguardPort wireguard_port;
  SimRelayPorts relay_ports;
  SimSocket gateway_socket;
  SimLanPort lan_port;
  SimSocket lifetime_socket;
  SimSuspendMonitor suspend_monitor;
  node::MeshNode node;
  node::Driver driver;
};

MemberNode::MemberNode(SimHost& host, const SimMesh& mesh, Options options)
    : host_(host),
      mesh_(mesh),
      options_(std::move(options)),
      random_(options_.seed),
      identity_(crypto::NodeIdentity::generate(random_)),
      ipv6_(crypto::mesh_ipv6_address(mesh.keys(), identity_.node_id())),
      journal_([this](const node::Notice& notice) {
        if (journal_listener_) journal_listener_(notice);
      }) {
  make_device();
}

MemberNode::~MemberNode() {
  host_.close_port(kWireguardPort);
}

void MemberNode::make_device() {
  host_.close_port(kWireguardPort);
  device_ = std::make_unique<SimulatedDevice>(
      SimulatedDeviceOptions{identity_.wireguard_key(), kWireguardPort}, host_, random_,
      [this](Transmit transmit, const std::optional<IpAddress>& source) {
        const std::uint16_t from =
            running_ ? running_->wireguard_port.source_towards(transmit.to) : kWireguardPort;
        // wireguard-go names the interface too.
        host_.send(from, std::move(transmit), {source, source.has_value()});
      });
  device_->set_packet_handler([this](const IpAddress& from, ByteView packet) {
    if (packet_handler_) packet_handler_(from, packet);
  });
  device_->set_session_handler([this](const crypto::WireguardKey& peer) {
    if (session_handler_) session_handler_(peer);
  });
  device_->set_change_observer([this](const node::PeerChange& change) {
    if (change_observer_) change_observer_(change);
  });
  host_.open_port(kWireguardPort, wireguard_port_traffic, [this](const Packet& packet) {
    if (running_ && running_->wireguard_port.handle_datagram(packet)) return;
    to_wireguard(packet);
  });
}

void MemberNode::to_wireguard(const Packet& packet) {
  device_->handle_datagram(packet.from, packet.payload, packet.to.address);
}

void MemberNode::start() {
  assert(!running());
  addresses_ = host_.internet().addresses(host_.id());
  host_.run([this] {
    node::MeshNodeConfig config;
    config.hostname = options_.hostname;
    config.ipv4_network = mesh_.ipv4_network();
    config.ipv6_network = mesh_.ipv6_network();
    config.listen_port = kWireguardPort;
    config.identity_restored = ran_before_;
    config.device_adopted = ran_before_ && !device_->snapshot().peers.empty();
    config.announces = options_.announces;
    config.mailbox = options_.mailbox;
    config.lan = options_.lan;
    config.frames = true;
    config.relays = true;
    config.relayed_only = options_.relayed_only;
    config.side_ports = true;
    config.maps_ports = true;
    config.finds_lifetime = true;
    config.state = memory_.state;
    config.cached_records = memory_.peer_cache;
    running_ = std::make_unique<Running>(*this, std::move(config));
    running_->driver.start();
    running_->driver.set_bootstrap(options_.bootstrap);
    running_->driver.set_stun_servers(stun_servers(options_.bootstrap));
    ran_before_ = true;
  });
}

void MemberNode::leave() {
  host_.run([this] {
    withdrew_at_ = host_.now().steady;
    running_->driver.stop([this] {
      host_.after(0s, lifetime_.guard([this] { cut_power(); }));  // not from inside the driver
    });
  });
}

void MemberNode::crash() {
  host_.run([this] {
    device_->detach();
    lifetime_.renew();
    earlier_paths_ = paths();
    running_.reset();
  });
}

void MemberNode::cut_power() {
  crash();
  make_device();
}

bool MemberNode::withdrew_lately() const {
  return withdrew_at_ && host_.now().steady - *withdrew_at_ < kWithdrawalLifetime;
}

void MemberNode::addresses_changed() {
  const auto addresses = host_.internet().addresses(host_.id());
  const bool own_changed = std::exchange(addresses_, addresses) != addresses;
  host_.run([this, own_changed] {
    if (own_changed) {  // else it is the gateway that has another
      device_->addresses_changed([this](const IpAddress& own) { return host_.has(own); });
    }
    if (running_) running_->monitor.announce();
  });
}

std::optional<std::string> MemberNode::violation() const {
  if (!device_->overlap().empty()) return device_->overlap();
  if (!running_) return std::nullopt;
  const auto due = running_->scheduler.due();
  if (due && *due < host_.now().steady) return "a timer of the member is in the past";
  if (running_->opendht->library_exceptions() > 0) return "OpenDHT threw an exception";
  if (running_->directory.odd_size()) return "the member put a value of another size";
  if (running_->node.paths().of(rendezvous::PathCause::kNone) > 0) {
    return "a path was chosen or lost without a cause";
  }
  return std::nullopt;
}

dht::DirectoryStats MemberNode::dht_stats() const {
  return running_ ? running_->directory.stats() : dht::DirectoryStats{};
}

std::optional<node::NodeView> MemberNode::view() const {
  if (!running_) return std::nullopt;
  return running_->node.view(host_.now());
}

rendezvous::PathTally MemberNode::paths() const {
  rendezvous::PathTally paths = earlier_paths_;
  if (running_) paths += running_->node.paths();
  return paths;
}

std::vector<node::TableFill> MemberNode::tables() const {
  return running_ ? running_->node.tables() : std::vector<node::TableFill>{};
}

void MemberNode::set_packet_handler(PacketHandler handler) {
  packet_handler_ = std::move(handler);
}

void MemberNode::set_session_handler(SimulatedDevice::SessionHandler handler) {
  session_handler_ = std::move(handler);
}

void MemberNode::set_change_observer(SimulatedDevice::ChangeObserver observer) {
  change_observer_ = std::move(observer);
}

void MemberNode::set_journal(SimJournal::Listener listener) {
  journal_listener_ = std::move(listener);
}

const node::Driver& MemberNode::driver() const {
  assert(running_);
  return running_->driver;
}

}  // namespace kadwire::testnet
