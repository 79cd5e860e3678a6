#include "tests/unit/rendezvous/agent_world.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

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

NatBehavior varying_nat(bool random, std::optional<std::int16_t> step) {
  NatBehavior behavior;
  behavior.mapping = MappingBehavior::kEndpointDependent;
  behavior.random_ports = random;
  behavior.port_step = step;
  return behavior;
}

Endpoint VaryingNat::leave(const Endpoint& inside, const Endpoint& to) {
  const Flow flow{inside.port, to};
  const auto known = ports_.find(flow);
  if (known != ports_.end()) return {outside_, known->second};
  std::uint16_t port = 0;
  do {
    port = newest_ ? ++*newest_ : static_cast<std::uint16_t>(1024 + random_below(random_, 64'512));
  } while (flows_.contains(port));
  ports_[flow] = port;
  flows_[port] = flow;
  return {outside_, port};
}

void VaryingNat::reboot(std::uint16_t newest) {
  ports_.clear();
  flows_.clear();
  newest_ = newest;
}

std::optional<std::uint16_t> VaryingNat::enter(const Endpoint& from, std::uint16_t port) const {
  const auto flow = flows_.find(port);
  if (flow == flows_.end() || flow->second.second != from) return std::nullopt;
  return flow->second.first;
}

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
    addresses.push_back(
        kadwire::testing::local(Prefix{own.address, own.address.is_v4() ? 24U : 64U}));
  }
  agent->set_network(world.now(), addresses,
                     {world.mesh.ipv4_network(), world.mesh.ipv6_network()});
}

void Member::publish() {
  PeerRecord said = world.mesh.record_at(world.now().wall);
  said.sequence = std::max(said.sequence, record.record.sequence + 1);
  said.answers_frames = true;
  said.relays = offers_relay;
  said.relayed_only = options.relayed_only;
  for (const Endpoint& own : endpoints) said.candidates.push_back({CandidateKind::kHost, own});
  for (const Endpoint& claim : claims) {
    said.candidates.push_back({CandidateKind::kServerReflexive, claim});
  }
  said.nat = behavior;
  if (behavior) agent->set_own_nat(*behavior);
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
  steps_.take(steady_);
  if (waking != nullptr) {
    waking->agent->handle_timeout(now());
    const auto due = waking->agent->next_timeout();
    if (due && *due <= steady_) throw std::logic_error("a busy loop");
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
  while (const auto event = member.agent->poll_event()) note(member, *event);
  while (const auto action = member.agent->poll_relay_action()) act(member, *action);
  if (auto ties = member.agent->poll_ties()) member.ties = std::move(*ties);
  while (const auto transmit = member.agent->poll_transmit()) send(member, *transmit);
  const auto due = member.agent->next_timeout();
  if (due && *due < steady_) throw std::logic_error("a timer in the past");
}

void AgentWorld::note(Member& member, const AgentEvent& event) {
  steps_.take(steady_);
  if (const auto* change = std::get_if<PathChanged>(&event)) member.changes.push_back(*change);
  if (const auto* seen = std::get_if<SeenByPeer>(&event)) member.seen.push_back(*seen);
  if (std::holds_alternative<SidePortsWanted>(event)) {
    ++member.side_ports_wanted;
    member.agent->set_side_ports(now(), member.side_ports);
  }
  const auto* received = std::get_if<RecordReceived>(&event);
  if (received == nullptr) return;
  ++member.records;
  const auto record = decode_record(received->record, mesh.keys().mesh_id());
  if (!record || !member.admits) return;
  std::uint64_t& newest = member.admitted_[record->record.node];
  if (record->record.sequence <= newest) return;
  newest = record->record.sequence;
  member.agent->set_peer(now(), record->record);
}

void AgentWorld::act(Member& relay, const RelayAction& action) {
  steps_.take(steady_);
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
  } else if (const auto* send = std::get_if<SendFromRelay>(&action)) {
    for (const auto& [at, port] : relay_ports_) {
      if (port.relay == &relay && port.id == send->id) post({at, send->to, send->frame});
    }
  } else {
    const RelayId id = std::get<CloseRelay>(action).id;
    std::erase_if(relay_ports_, [&](const auto& entry) {
      return entry.second.relay == &relay && entry.second.id == id;
    });
  }
}

void AgentWorld::send(Member& from, const PortTransmit& departure) {
  steps_.take(steady_);
  const Transmit& transmit = departure.transmit;
  ++from.packets_out;
  from.bytes_out += transmit.payload.size();
  const auto own = std::ranges::find_if(from.endpoints, [&](const Endpoint& candidate) {
    return candidate.address.family() == transmit.to.address.family();
  });
  if (own == from.endpoints.end()) return;
  if (from.nat && own == from.endpoints.begin()) {
    const std::uint16_t port = departure.from_port != 0 ? departure.from_port : own->port;
    return post(
        {from.nat->leave({own->address, port}, transmit.to), transmit.to, transmit.payload});
  }
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
  if (arrive_at_nat(packet)) return;
  Member* to = owner_of(packet.to);
  if (to == nullptr || to->nat) {
    ++nowhere_[packet.to];
    return;
  }
  if (to->filtered && !to->opened_.contains({packet.to, packet.from})) return;
  deliver(*to, packet.from, packet.payload);
}

bool AgentWorld::arrive_at_nat(const Packet& packet) {
  const auto inside = std::ranges::find_if(members_, [&](const auto& member) {
    return member->nat && member->nat->outside() == packet.to.address;
  });
  if (inside == members_.end()) return false;
  Member& to = **inside;
  const auto port = to.nat->enter(packet.from, packet.to.port);
  if (!port) {
    ++nowhere_[packet.to];
    return true;
  }
  const bool side = *port != to.endpoints.front().port;
  deliver(to, packet.from, packet.payload, side ? *port : std::uint16_t{0});
  return true;
}

void AgentWorld::arrive_at_relay(RelayPort& port, const Packet& packet) {
  if (looks_like_bind(packet.payload)) {
    port.relay->agent->handle_bind(now(), port.id, packet.from, packet.payload);
    return settle(*port.relay);
  }
  if (packet.from == port.a) post({packet.to, port.b, packet.payload});
  if (packet.from == port.b) post({packet.to, port.a, packet.payload});
}

void AgentWorld::deliver(Member& to, const Endpoint& from, ByteView payload,
                         std::uint16_t side_port) {
  ++to.packets_in;
  to.bytes_in += payload.size();
  to.agent->handle_datagram(now(), from, payload, side_port);
}

Member* AgentWorld::owner_of(const Endpoint& endpoint) {
  const auto found = std::ranges::find_if(members_, [&](const auto& member) {
    return std::ranges::find(member->endpoints, endpoint) != member->endpoints.end();
  });
  return found == members_.end() ? nullptr : found->get();
}

}  // namespace kadwire::rendezvous::testing
