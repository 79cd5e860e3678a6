#include "tools/testnet/recorder.h"

#include <algorithm>
#include <utility>

#include "tools/testnet/internet/cities.h"
#include "tools/testnet/simulation_heap.h"

namespace kadwire::testnet {
namespace {

TrafficByKind difference(const TrafficByKind& after, const TrafficByKind& before) {
  TrafficByKind result{};
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    result[kind] = {after[kind].packets - before[kind].packets,
                    after[kind].bytes - before[kind].bytes};
  }
  return result;
}

void add(TrafficByKind& sum, const TrafficByKind& more) {
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    sum[kind].packets += more[kind].packets;
    sum[kind].bytes += more[kind].bytes;
  }
}

/// Two neighbouring points of the curves as one: gauges as they are in the end, counts added.
Sample merged(const Sample& earlier, const Sample& later) {
  Sample sample = later;
  sample.pings_sent += earlier.pings_sent;
  sample.pings_lost += earlier.pings_lost;
  add(sample.sent, earlier.sent);
  return sample;
}

}  // namespace

Recorder::Recorder(const Scenario& scenario, const EventQueue& queue, Population& population,
                   const PairBoard& board, const std::vector<std::unique_ptr<PingApp>>& pings)
    : scenario_(scenario),
      queue_(queue),
      population_(population),
      board_(board),
      pings_(pings),
      interval_(scenario.sample_every),
      started_(population.all().size()) {
  result_.scenario = scenario.name;
  result_.summary = scenario.summary;
  result_.nodes.resize(population.all().size());
}

void Recorder::on_pair_change(Index a, Index b, PairState state) {
  const OutsideSimulationHeap outside;
  if (result_.changes.size() < kChangesMax) {
    result_.changes.push_back({elapsed(), a, b, state});
  } else {
    ++result_.changes_dropped;
  }
  if (!all_connected_ && elapsed() >= last_start_ && board_.all_possible_up()) {
    all_connected_ = elapsed();
  }
}

void Recorder::on_apart(Index a, Index b, bool apart) {
  const OutsideSimulationHeap outside;
  if (apart) {
    apart_.begin(a, b, elapsed());
  } else {
    apart_.end(a, b, elapsed());
  }
}

void Recorder::on_milestone(Index member, bool all) {
  NodeResult& node = result_.nodes[member];
  auto& milestone = all ? node.all_tunnels : node.first_tunnel;
  if (!milestone) milestone = since_start(member);
}

void Recorder::on_first_reply(Index member) {
  result_.nodes[member].first_reply = since_start(member);
}

Duration Recorder::since_start(Index member) const {
  return elapsed() - started_[member].value_or(elapsed());
}

void Recorder::on_event(std::string kind, std::string text, std::vector<Index> who) {
  const OutsideSimulationHeap outside;
  if (kind == "start") {
    for (const Index index : who) {
      started_[index] = elapsed();
      auto& first = result_.nodes[index].started;
      if (!first) first = elapsed();
    }
  }
  if (result_.timeline.size() >= kTimelineMax) return;
  result_.timeline.push_back({elapsed(), std::move(kind), std::move(text), std::move(who)});
}

void Recorder::sample() {
  const OutsideSimulationHeap outside;
  Sample sample;
  sample.at = elapsed();
  sample.members_running = board_.running();
  sample.pairs_possible = board_.possible();
  sample.pairs_direct = board_.up() - board_.relayed();
  sample.pairs_relayed = board_.relayed();
  const PingApp::Counts pings = ping_counts();
  sample.pings_sent = pings.sent - pings_before_.sent;
  sample.pings_lost = pings.lost - pings_before_.lost;
  pings_before_ = pings;
  const TrafficByKind sent = traffic_sent();
  sample.sent = difference(sent, sent_before_);
  sent_before_ = sent;
  result_.samples.push_back(sample);
  if (result_.samples.size() >= kSamplesMax) thin_out();
}

/// Half as many points, each of twice the time.
void Recorder::thin_out() {
  std::vector<Sample> thinner;
  for (std::size_t i = 0; i + 1 < result_.samples.size(); i += 2) {
    thinner.push_back(merged(result_.samples[i], result_.samples[i + 1]));
  }
  result_.samples = std::move(thinner);
  interval_ *= 2;
}

TrafficByKind Recorder::traffic_sent() const {
  TrafficByKind sum{};
  for (const Inhabitant& inhabitant : population_.all()) add(sum, inhabitant.host->sent());
  return sum;
}

PingApp::Counts Recorder::ping_counts() const {
  PingApp::Counts sum;
  for (const auto& app : pings_) {
    sum.sent += app->counts().sent;
    sum.lost += app->counts().lost;
  }
  return sum;
}

NodeResult Recorder::node_result(Index index) const {
  const Inhabitant& inhabitant = population_[index];
  NodeResult node = result_.nodes[index];
  node.name = inhabitant.name;
  node.group = inhabitant.group->name;
  node.role = to_text(inhabitant.group->role);
  node.nat = inhabitant.group->nat.empty() ? "public" : inhabitant.group->nat;
  node.city = inhabitant.city;
  if (const auto city = find_city(inhabitant.city)) {
    const MapPlace place = map_place(cities()[*city]);
    node.x = place.x;
    node.y = place.y;
  }
  node.sent = inhabitant.host->sent();
  node.received = inhabitant.host->received();
  const dht::DirectoryStats dht = inhabitant.program->dht_stats();
  node.dht_requests = inhabitant.host->dht_answers();
  node.dht_stored_bytes = dht.stored_bytes;
  node.dht_nodes_known = dht.known_nodes;
  if (inhabitant.member) node.paths = inhabitant.member->paths();
  node.cpu_seconds = std::chrono::duration<double>(inhabitant.host->cpu()).count();
  return node;
}

RunResult Recorder::result() const {
  const OutsideSimulationHeap outside;
  RunResult result = result_;
  result.simulated = elapsed();
  for (Index index = 0; index < result.nodes.size(); ++index) {
    result.nodes[index] = node_result(index);
  }
  const auto& members = population_.members();
  for (std::size_t i = 0; i < members.size(); ++i) {
    result.nodes[members[i]].pings_sent = pings_[i]->counts().sent;
    result.nodes[members[i]].pings_lost = pings_[i]->counts().lost;
    result.nodes[members[i]].longest_silence = pings_[i]->counts().longest_silence;
  }
  return result;
}

}  // namespace kadwire::testnet
