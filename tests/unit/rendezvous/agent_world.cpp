#include "tests/unit/rendezvous/agent_world.h"

#include <algorithm>
#include <sstream>

namespace kadwire::rendezvous::testing {
namespace {

/// Where ports for relayed pairs begin.
constexpr std::uint16_t kRelayPortFirst = 40'000;

std::vector<Endpoint> parse_all(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::vector<Endpoint> endpoints;
  for (std::string word; words >> word;) endpoints.push_back(endpoint(word));
  return endpoints;
}

}  // namespace

Member::Member(AgentWorld& in, std::vector<Endpoint> own, AgentOptions chosen)
    : world(in), identity(in.mesh.make_identity()), endpoints(std::move(own)), options(chosen) {
  start();
}

void Member::start() {
  agent = std::make_unique<Agent>(world.mesh.keys(), identity, world.mesh.random(), options);
  admitted_.clear();
  changes.clear();
  tell_network();
  publish();
}

void Member::restart() {
  start();
  world.settle();
}

void Member::tell_network() {
  std::vector<LocalAddress> addresses;
  for (const Endpoint& own : endpoints) {
    LocalAddress local;
    local.prefix = {own.address, own.address.is_v4() ? 24U : 64U};
    local.interface = "eth0";
    addresses.push_back(local);
  }
  agent->set_network(world.now(), addresses,
                     {world.mesh.ipv4_network(), world.mesh.ipv6_network()});
}

void Member::publish() {
  PeerRecord said = world.mesh.record_at(world.now().wall);
  said.sequence = std::max(said.sequence, record.record.sequence + 1);
  said.answers_frames = true;
  said.relays = offers_relay;
  for (const Endpoint& own : endpoints) said.candidates.push_back({CandidateKind::kHost, own});
  for (const Endpoint& claim : claims) {
    said.candidates.push_back({CandidateKind::kServerReflexive, claim});
  }
  record = world.mesh.sign(std::move(said), identity);
  agent->set_own_record(world.now(), record);
}

void Member::meet(Member& other) {
  admitted_[other.id()] = other.record.record.sequence;
  agent->set_peer(world.now(), other.record.record);
  world.settle();
}

bool Member::reaches(const Member& other) const {
  return path_to(other).has_value();
}

std::optional<ChosenPath> Member::path_to(const Member& other) const {
  const PunchSession* session = agent->session(other.id());
  return session == nullptr ? std::nullopt : session->chosen();
}

Member& AgentWorld::add(std::string_view endpoints, AgentOptions options) {
  members_.push_back(std::make_unique<Member>(*this, parse_all(endpoints), options));
  return *members_.back();
}

WallTime AgentWorld::wall_at(TimePoint steady) {
  const auto since = steady - TimePoint{1h};
  return kadwire::testing::kNoonTwenty + std::chrono::floor<std::chrono::milliseconds>(since);
}

void AgentWorld::run_for(Duration duration) {
  const TimePoint end = steady_ + duration;
  while (step(end)) {
  }
  steady_ = end;
}

bool AgentWorld::run_until(const std::function<bool()>& condition, Duration limit) {
  const TimePoint end = steady_ + limit;
  while (!condition()) {
    if (!step(end)) {
      steady_ = end;
      return condition();
    }
  }
  return true;
}

/// The next thing that happens, if it does by `end`.
bool AgentWorld::step(TimePoint end) {
  settle();
  TimePoint next = travelling_.empty() ? TimePoint::max() : travelling_.begin()->first;
  Member* waking = nullptr;
  for (const auto& member : members_) {
    const auto due = member->agent->next_timeout();
    if (!due || *due >= next) continue;
    next = *due;
    waking = member.get();
  }
  if (next > end) return false;
  steady_ = std::max(steady_, next);
  if (waking != nullptr) {
    waking->agent->handle_timeout(now());
    const auto due = waking->agent->next_timeout();
    EXPECT_TRUE(!due || *due > steady_) << "a busy loop";
  } else {
    const Packet packet = std::move(travelling_.begin()->second);
    travelling_.erase(travelling_.begin());
    arrive(packet);
  }
  settle();
  return true;
}

void AgentWorld::settle() {
  for (const auto& member : members_) settle(*member);
}

void AgentWorld::settle(Member& member) {
  while (auto event = member.agent->poll_event()) {
    if (const auto* change = std::get_if<PathChanged>(&*event)) member.changes.push_back(*change);
    if (const auto* seen = std::get_if<SeenByPeer>(&*event)) member.seen.push_back(*seen);
    const auto* received = std::get_if<RecordReceived>(&*event);
    if (received == nullptr) continue;
    ++member.records;
    const auto record = decode_record(received->record, mesh.keys().mesh_id());
    if (!record || !member.admits) continue;
    std::uint64_t& newest = member.admitted_[record->record.node];
    if (record->record.sequence <= newest) continue;
    newest = record->record.sequence;
    member.agent->set_peer(now(), record->record);
  }
  while (const auto action = member.agent->poll_relay_action()) act(member, *action);
  while (const auto transmit = member.agent->poll_transmit()) send(member, *transmit);
  const auto due = member.agent->next_timeout();
  EXPECT_TRUE(!due || *due >= steady_) << "a timer in the past";
}

void AgentWorld::act(Member& relay, const RelayAction& action) {
  if (const auto* open = std::get_if<OpenRelay>(&action)) {
    const auto port = static_cast<std::uint16_t>(kRelayPortFirst + open->id);
    relay_ports_[{relay.endpoints.front().address, port}] = {&relay, open->id, {}, {}};
    relay.agent->handle_relay_port(now(), open->id, port);
  } else if (const auto* join = std::get_if<JoinRelay>(&action)) {
    for (auto& [at, port] : relay_ports_) {
      if (port.relay != &relay || port.id != join->id) continue;
      port.a = join->a;
      port.b = join->b;
    }
  } else {
    const RelayId id = std::get<CloseRelay>(action).id;
    std::erase_if(relay_ports_, [&](const auto& entry) {
      return entry.second.relay == &relay && entry.second.id == id;
    });
  }
}

void AgentWorld::send(Member& from, const Transmit& transmit) {
  ++from.packets_out;
  from.bytes_out += transmit.payload.size();
  const auto own = std::ranges::find_if(from.endpoints, [&](const Endpoint& candidate) {
    return candidate.address.family() == transmit.to.address.family();
  });
  if (own == from.endpoints.end()) return;
  from.opened_.insert({*own, transmit.to});
  post({*own, transmit.to, transmit.payload});
}

void AgentWorld::post(Packet packet) {
  if (records) sent.push_back(packet);
  const Fate its = fate(packet);
  if (!its.dropped) travelling_.emplace(steady_ + its.latency, std::move(packet));
}

void AgentWorld::arrive(const Packet& packet) {
  if (const auto port = relay_ports_.find(packet.to); port != relay_ports_.end()) {
    return arrive_at_relay(port->second, packet);
  }
  if (const auto other = others.find(packet.to); other != others.end())
    return other->second(packet);
  Member* to = owner_of(packet.to);
  if (to == nullptr) {
    ++nowhere_[packet.to];
    return;
  }
  if (to->filtered && !to->opened_.contains({packet.to, packet.from})) return;
  deliver(*to, packet.from, packet.payload);
}

void AgentWorld::arrive_at_relay(RelayPort& port, const Packet& packet) {
  if (looks_like_bind(packet.payload)) {
    port.relay->agent->handle_bind(now(), port.id, packet.from, packet.payload);
    return settle(*port.relay);
  }
  if (packet.from == port.a) post({packet.to, port.b, packet.payload});
  if (packet.from == port.b) post({packet.to, port.a, packet.payload});
}

void AgentWorld::deliver(Member& to, const Endpoint& from, ByteView payload) {
  ++to.packets_in;
  to.bytes_in += payload.size();
  to.agent->handle_datagram(now(), from, payload);
}

Member* AgentWorld::owner_of(const Endpoint& endpoint) {
  const auto found = std::ranges::find_if(members_, [&](const auto& member) {
    return std::ranges::find(member->endpoints, endpoint) != member->endpoints.end();
  });
  return found == members_.end() ? nullptr : found->get();
}

}  // namespace kadwire::rendezvous::testing
