#include "tools/testnet/nodes/hostile_node.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

namespace kadwire::testnet {
namespace {

/// Gives the chosen id first, because that is what a directory draws first.
class IdThenRandom final : public RandomSource {
 public:
  IdThenRandom(const dht::InfoHash& id, std::uint64_t seed) : id_(id), random_(seed) {}
  void fill(std::span<std::byte> out) override {
    if (!id_) return random_.fill(out);
    assert(out.size() == id_->size());
    std::ranges::copy(*id_, out.begin());
    id_.reset();
  }

 private:
  std::optional<dht::InfoHash> id_;
  SeededRandom random_;
};

}  // namespace

struct HostileNode::Running {
  Running(SimHost& host, std::uint16_t port, const dht::InfoHash& id, std::uint64_t seed,
          const Disguise& disguise)
      : random(id, seed),
        scheduler(host),
        socket(host, port, all_traffic<TrafficKind::kDht>),
        directory(disguise(
            {std::make_unique<dht::OpendhtDirectory>(host.now(), dht::OpendhtOptions{}, random), id,
             host.now(), random})),
        node(
            {scheduler, *directory, socket}, [](std::span<const dht::KnownNode>) {}, [](bool) {}) {}

  IdThenRandom random;
  SimScheduler scheduler;
  SimSocket socket;
  std::unique_ptr<dht::Directory> directory;
  tools::BootstrapNode node;
};

HostileNode::HostileNode(SimHost& host, Options options, Disguise disguise)
    : host_(host),
      options_(std::move(options)),
      disguise_(std::move(disguise)),
      random_(options_.seed) {}

HostileNode::~HostileNode() = default;

void HostileNode::start() {
  assert(!running());
  host_.run([this] { make_nodes(); });
}

void HostileNode::make_nodes() {
  running_.clear();
  const Now now = host_.now();
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    dht::InfoHash id{};
    if (options_.choose_id) {
      id = options_.choose_id(now, random_);
    } else {
      random_.fill(id);
    }
    const auto port = static_cast<std::uint16_t>(kDhtPort + i);
    running_.push_back(std::make_unique<Running>(host_, port, id, random_u64(random_), disguise_));
    running_.back()->node.set_bootstrap(options_.bootstrap);
    running_.back()->node.start();
  }
  if (!options_.moves_every_hour) return;
  const Duration into_hour = now.wall - std::chrono::floor<std::chrono::hours>(now.wall);
  host_.after(1h - into_hour, lifetime_.guard([this] { make_nodes(); }));
}

void HostileNode::crash() {
  lifetime_.renew();
  host_.run([this] { running_.clear(); });
}

dht::DirectoryStats HostileNode::dht_stats() const {
  return running_.empty() ? dht::DirectoryStats{} : running_.front()->directory->stats();
}

}  // namespace kadwire::testnet
