#include "tools/testnet/nodes/dht_node.h"

#include <cassert>

namespace kadwire::testnet {

struct DhtNode::Running {
  Running(SimHost& host, const Options& options, RandomSource& random,
          std::vector<dht::KnownNode>& known)
      : scheduler(host),
        socket(host, kDhtPort, all_traffic<TrafficKind::kDht>),
        directory(host.now(), {.saved_nodes = known}, random),
        node(
            {scheduler, directory, socket, stun(host, options)},
            [&known](std::span<const dht::KnownNode> nodes) {
              known.assign(nodes.begin(), nodes.end());
            },
            [](bool) {}) {
    node.set_bootstrap(options.bootstrap);
    node.start();
  }

  node::StunPort* stun(SimHost& host, const Options& options) {
    if (options.answers_stun) stun_port.emplace(host, kStunPort, all_traffic<TrafficKind::kStun>);
    return stun_port ? &*stun_port : nullptr;
  }

  SimScheduler scheduler;
  SimSocket socket;
  std::optional<SimStunPort> stun_port;
  dht::OpendhtDirectory directory;
  tools::BootstrapNode node;
};

DhtNode::DhtNode(SimHost& host, Options options)
    : host_(host), options_(std::move(options)), random_(options_.seed) {}

DhtNode::~DhtNode() = default;

void DhtNode::start() {
  assert(!running());
  host_.run([this] { running_ = std::make_unique<Running>(host_, options_, random_, known_); });
}

void DhtNode::crash() {
  host_.run([this] { running_.reset(); });
}

std::optional<std::string> DhtNode::violation() const {
  if (!running_) return std::nullopt;
  const auto due = running_->scheduler.due();
  if (due && *due < host_.now().steady) return "a timer of the DHT node is in the past";
  if (running_->directory.library_exceptions() > 0) return "OpenDHT threw an exception";
  return std::nullopt;
}

dht::DirectoryStats DhtNode::dht_stats() const {
  return running_ ? running_->directory.stats() : dht::DirectoryStats{};
}

}  // namespace kadwire::testnet
