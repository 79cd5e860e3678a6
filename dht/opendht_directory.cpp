#include "dht/opendht_directory.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "node/base/queue.h"

namespace kadwire::dht {
namespace {

/// Turns of the library in one of ours: what an answer makes possible starts at once, and what that
/// answers at once starts the next thing. More waits for the next timeout.
constexpr int kTurnsMax = 4;
/// Pause after the library could not even be made.
constexpr auto kRenewPause = 1s;

using AnyQuestion = std::variant<GetRequest, ListIdsRequest>;

/// Whether the library would take what it asks for `earlier` for asked on behalf of `later`, about
/// the same key, and then never end that. A get of everything is asked as a list of ids and then by
/// each id, and so hides those; what it asks is never asked on behalf of another get of everything.
bool hides(const AnyQuestion& earlier, const AnyQuestion& later) {
  const auto* first = std::get_if<GetRequest>(&earlier);
  const auto* second = std::get_if<GetRequest>(&later);
  if (second != nullptr && !second->value_id) return false;
  if (first != nullptr && !first->value_id) return true;
  if (first != nullptr && second != nullptr) return first->value_id == second->value_id;
  return first == nullptr && second == nullptr;
}

InfoHash draw_id(RandomSource& random) {
  InfoHash id{};
  random.fill(id);
  return id;
}

bool full(const ValuesFound& event) {
  return event.values.size() >= kValuesPerEventMax;
}
bool full(const IdsFound& event) {
  return event.ids.size() >= kIdsPerEventMax;
}

}  // namespace

OpendhtDirectory::OpendhtDirectory(Now now, OpendhtOptions options, RandomSource& random)
    : options_(std::move(options)),
      random_(random),
      node_id_(draw_id(random)),
      watch_(now.steady),
      enter_at_(now.steady),
      young_until_(now.steady),
      early_(node_id_, options_.network, random),
      turned_at_(now.steady),
      announced_at_(now.steady) {
  renew(now);
}

OpendhtDirectory::~OpendhtDirectory() = default;

/// Makes the library's node, or makes it anew. The id stays: others would keep asking the old one
/// and wait a second each time.
void OpendhtDirectory::renew(Now now) {
  if (node_) {
    exceptions_ += node_->exceptions();
    dropped_ += node_->dropped();
    DirectoryStats gone;
    node_->add_to(gone);
    stats_.packets_out += gone.packets_out;
    stats_.bytes_out += gone.bytes_out;
  }
  for (auto& [operation, listen] : listens_) listen.token = 0;
  was_connected_ = false;
  node_ = OpendhtNode::create(
      now.steady,
      {node_id_, options_.network, options_.unlimited_requests, options_.store_bytes_max},
      node_.get());
  hear_reply(now);
  if (!node_) renew_at_ = now.steady + kRenewPause;
}

void OpendhtDirectory::request(Now now, DirectoryRequest request) {
  std::visit([&](auto& each) { accept(now, std::move(each)); }, request);
  start_due_ = now.steady;
}

void OpendhtDirectory::accept(Now now, PutRequest request) {
  assert(request.operation != 0 && request.value_id != 0);
  assert(request.value.size() + kValueOverheadMax <= kSerializedValueMax);
  assert(puts_.size() < kOperationsMax && !puts_.contains(request.operation));
  const OperationId operation = request.operation;
  Put& put = puts_[operation];
  put.request = std::move(request);
  put.give_up_at = now.steady + kSilenceMax;
}

void OpendhtDirectory::accept(Now now, GetRequest request) {
  ask(now, request);
}

void OpendhtDirectory::accept(Now now, ListIdsRequest request) {
  ask(now, request);
}

template <typename Request>
void OpendhtDirectory::ask(Now now, const Request& request) {
  assert(request.operation != 0);
  assert(questions_.size() < kOperationsMax && !questions_.contains(request.operation));
  questions_[request.operation] = {request, request.key, now.steady + kSilenceMax, false};
}

void OpendhtDirectory::accept(Now, ListenRequest request) {
  assert(request.operation != 0);
  assert(listens_.size() < kOperationsMax && !listens_.contains(request.operation));
  listens_[request.operation] = {request, 0};
}

void OpendhtDirectory::accept(Now, CancelRequest request) {
  const auto found = listens_.find(request.operation);
  if (found == listens_.end()) return;
  const Listen& listen = found->second;
  if (node_ && listen.token != 0) node_->cancel_listen(listen.request.key, listen.token);
  listens_.erase(found);
}

void OpendhtDirectory::set_bootstrap(Now now, std::span<const Endpoint> endpoints) {
  bootstrap_.assign(endpoints.begin(), endpoints.end());
  watch_.set_endpoints(endpoints);
  if (!connected_) begin_entering(now);
}

void OpendhtDirectory::handle_datagram(Now now, const Endpoint& from, ByteView datagram) {
  ++stats_.packets_in;
  stats_.bytes_in += datagram.size();
  const Inspection inspection = inspect_packet(datagram);
  if (!inspection.accepted() || !afford_announced(now, inspection.announced_values)) {
    ++stats_.packets_refused;
    ++refused_[static_cast<std::size_t>(inspection.verdict)];
    return;
  }
  if (inspection.kind == PacketKind::kReply) {
    hear_reply(now);
    watch_.hear(from);
    confirm_stored(inspection.stored_value);
    if (early_.hear_reply(now.steady, from, inspection)) return run(now, nullptr, {});
  }
  const bool error = inspection.kind == PacketKind::kError;
  if (error && early_.hear_error(from, inspection)) return run(now, nullptr, {});
  run(now, &from, datagram);
}

void OpendhtDirectory::handle_timeout(Now now) {
  run(now, nullptr, {});
}

/// One turn of ours: time and perhaps a datagram into the library, then whatever follows from it.
void OpendhtDirectory::run(Now now, const Endpoint* from, ByteView datagram) {
  start_due_.reset();
  watch_silence(now);
  watch_bootstrap(now);
  if (!node_) return;
  if (!connected_ && now.steady >= enter_at_) enter_network(now);
  turn(now, from, datagram);
  int turns = 1;
  for (; turns < kTurnsMax && start_ready(now); ++turns) turn(now, nullptr, {});
  if (turns == kTurnsMax) start_due_ = now.steady;
}

void OpendhtDirectory::turn(Now now, const Endpoint* from, ByteView datagram) {
  turned_at_ = now.steady;
  early_.handle_timeout(now.steady);
  node_->turn(now.steady, from, datagram);
  update_connectivity(now);
  collect();
  give_up_overdue(now);
}

void OpendhtDirectory::update_connectivity(Now now) {
  const bool connected = node_->connected();
  if (connected == connected_) return;
  connected_ = connected;
  events_.push_back(ConnectivityChanged{connected});
  if (!connected) return begin_entering(now);
  watch_.entered(now.steady);
  // A node's own request may bring it back without any reply of late: then the probe is overdue.
  probe_at_ = std::max(probe_at_, now.steady);
  if (!was_connected_) young_until_ = now.steady + kYoungFor;
  was_connected_ = true;
}

/// Starts what may start now; true if there was anything. Before the first node is known the
/// library would answer every request with failure, so all of them wait for one.
bool OpendhtDirectory::start_ready(Now now) {
  if (!connected_ || watch_.gathering(now.steady)) return false;
  bool started = false;
  for (auto& [operation, listen] : listens_) {
    if (listen.token != 0) continue;
    listen.token = node_->listen(operation, listen.request.key);
    started |= listen.token != 0;
  }
  started |= start_puts(now);
  started |= start_questions(now);
  return started;
}

bool OpendhtDirectory::start_puts(Now now) {
  bool started = false;
  for (auto& [operation, put] : puts_) {
    if (put.started) continue;
    early_.begin(now.steady, put.request.key, node_->encode_value(put.request));
    node_->put(put.request);
    put.started = now.steady;
    put.give_up_at = now.steady + kOperationPatience;
    put.young = now.steady < young_until_;
    started = true;
  }
  for (; !repeats_.empty() && now.steady >= repeats_.front().at; repeats_.pop_front()) {
    node_->put(repeats_.front().request);
    started = true;
  }
  return started;
}

bool OpendhtDirectory::start_questions(Now now) {
  bool started = false;
  for (auto& [operation, question] : questions_) {
    if (question.started || must_wait(question)) continue;
    if (const auto* get = std::get_if<GetRequest>(&question.request)) node_->get(*get);
    if (const auto* list = std::get_if<ListIdsRequest>(&question.request)) node_->list_ids(*list);
    question.give_up_at = now.steady + kOperationPatience;
    question.started = started = true;
  }
  return started;
}

/// True while another question under way would hide this one from the library.
bool OpendhtDirectory::must_wait(const Question& question) const {
  return std::any_of(questions_.begin(), questions_.end(), [&](const auto& entry) {
    const Question& other = entry.second;
    return other.started && other.key == question.key && hides(other.request, question.request);
  });
}

void OpendhtDirectory::begin_entering(Now now) {
  enter_at_ = now.steady;
  enter_pause_ = kEnterPauseFirst;
}

/// Asks everyone who may let us in for a sign of life.
void OpendhtDirectory::enter_network(Now now) {
  for (const Endpoint& endpoint : bootstrap_) node_->ping(endpoint);
  const auto& saved = options_.saved_nodes;
  for (std::size_t i = 0; i < std::min(saved.size(), kSavedNodesPerAttempt); ++i) {
    node_->ping(saved[next_saved_++ % saved.size()].endpoint);
  }
  enter_at_ = now.steady + random_between(random_, enter_pause_, enter_pause_ + enter_pause_ / 4);
  enter_pause_ = std::min<Duration>(2 * enter_pause_, kEnterPauseLast);
}

void OpendhtDirectory::hear_reply(Now now) {
  probe_at_ = now.steady + kProbeAfterSilence;
  renew_at_ = now.steady + random_between(random_, kSilenceMax, kSilenceMax + kSilenceJitter);
}

/// Probes neighbours that have been quiet, and makes the node anew when nobody answered.
void OpendhtDirectory::watch_silence(Now now) {
  if (!node_ && now.steady >= renew_at_) renew(now);
  if (was_connected_ && now.steady >= renew_at_) {
    enter_anew(now);
  } else if (connected_ && now.steady >= probe_at_) {
    probe_at_ = now.steady + kProbePause;
    const std::vector<KnownNode> nodes = node_->known_nodes();
    for (std::size_t i = 0; i < std::min(nodes.size(), kProbeNodes); ++i) {
      node_->ping(nodes[i].endpoint);
    }
  }
}

/// Members look for the network anew after it was in two parts. Nodes that only serve it do not:
/// they have nothing to look for, and the members tell them of one another.
void OpendhtDirectory::watch_bootstrap(Now now) {
  if (!connected_) return;
  if (!listens_.empty() && watch_.take_reunion(now.steady)) return enter_anew(now);
  if (now.steady < watch_.due()) return;
  for (const Endpoint& endpoint : watch_.ask(now.steady, random_)) node_->ping(endpoint);
}

void OpendhtDirectory::enter_anew(Now now) {
  fail_operations();
  renew(now);
  ++stats_.restarts;
  if (std::exchange(connected_, false)) events_.push_back(ConnectivityChanged{false});
  begin_entering(now);
}

/// A token bucket over the memory that announced values would take.
bool OpendhtDirectory::afford_announced(Now now, std::uint32_t values) {
  if (values == 0) return true;
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - announced_at_);
  announced_at_ += elapsed;
  const auto earned =
      static_cast<std::uint64_t>(elapsed.count()) * kAnnouncedValuesPerSecond / 1000;
  announced_credit_ = std::min(kAnnouncedValuesBurst, announced_credit_ + earned);
  if (announced_credit_ < values) return false;
  announced_credit_ -= values;
  return true;
}

void OpendhtDirectory::give_up_overdue(Now now) {
  std::erase_if(puts_, [&](const auto& entry) {
    if (now.steady < entry.second.give_up_at) return false;
    events_.push_back(PutDone{entry.first, false});
    return true;
  });
  std::erase_if(questions_, [&](const auto& entry) {
    if (now.steady < entry.second.give_up_at) return false;
    events_.push_back(GetDone{entry.first, false});
    return true;
  });
}

void OpendhtDirectory::fail_operations() {
  for (const auto& [operation, put] : puts_) events_.push_back(PutDone{operation, false});
  for (const auto& [operation, question] : questions_) {
    events_.push_back(GetDone{operation, false});
  }
  puts_.clear();
  questions_.clear();
  repeats_.clear();
}

/// Turns what the library found into events: values and ids first, so that GetDone ends them.
void OpendhtDirectory::collect() {
  collect_values();
  collect_ids();
  for (const OpendhtNode::Done& done : node_->take_done()) finish(done);
}

void OpendhtDirectory::collect_values() {
  for (OpendhtNode::Found& each : node_->take_found()) {
    if (!questions_.contains(each.operation) && !listens_.contains(each.operation)) continue;
    ValuesFound* event = event_with_room<ValuesFound>(each.operation);
    if (event != nullptr) event->values.push_back(std::move(each.value));
  }
}

void OpendhtDirectory::collect_ids() {
  for (const OpendhtNode::FoundId& each : node_->take_found_ids()) {
    if (!questions_.contains(each.operation)) continue;
    IdsFound* event = event_with_room<IdsFound>(each.operation);
    if (event != nullptr) event->ids.push_back(each.value_id);
  }
}

/// The newest event if it is of this operation and has room, else one more. nullptr if there are
/// too many: what was found is dropped and counted.
template <typename Event>
Event* OpendhtDirectory::event_with_room(OperationId operation) {
  if (!events_.empty()) {
    auto* newest = std::get_if<Event>(&events_.back());
    if (newest != nullptr && newest->operation == operation && !full(*newest)) return newest;
  }
  if (found_events_ >= kFoundEventsMax) {
    ++dropped_;
    return nullptr;
  }
  ++found_events_;
  return &std::get<Event>(events_.emplace_back(Event{operation, {}}));
}

void OpendhtDirectory::finish(const OpendhtNode::Done& done) {
  if (questions_.erase(done.operation) > 0) events_.push_back(GetDone{done.operation, done.ok});
  const auto put = puts_.find(done.operation);
  if (put != puts_.end()) finish_put(put, done.ok);
}

/// The first node that stored a value answers its put. The library waits for the last one, which
/// takes a minute if it is dead.
void OpendhtDirectory::confirm_stored(std::uint64_t value_id) {
  if (value_id == 0) return;
  const auto put = std::find_if(puts_.begin(), puts_.end(), [&](const auto& entry) {
    return entry.second.started && entry.second.request.value_id == value_id;
  });
  if (put != puts_.end()) finish_put(put, true);
}

void OpendhtDirectory::finish_put(std::map<OperationId, Put>::iterator position, bool ok) {
  auto& [operation, put] = *position;
  events_.push_back(PutDone{operation, ok});
  if (ok && put.young && repeats_.size() < kOperationsMax) {
    put.request.operation = 0;  // nobody is to be told
    repeats_.push_back({*put.started + kPutAgainAfter, std::move(put.request)});
  }
  puts_.erase(position);
}

std::optional<TimePoint> OpendhtDirectory::next_timeout() const {
  if (!node_) return renew_at_;
  if (start_due_) return start_due_;
  TimePoint next = std::min(node_->wake_at(), next_operation());
  next = std::min(next, early_.next_timeout().value_or(next));
  if (connected_) next = std::min({next, probe_at_, watch_.due()});
  if (connected_) next = std::min(next, watch_.gather_until().value_or(next));
  if (was_connected_) next = std::min(next, renew_at_);
  const bool doors = !bootstrap_.empty() || !options_.saved_nodes.empty();
  if (!connected_ && doors) next = std::min(next, enter_at_);
  return next;
}

/// When time alone starts or ends a request.
TimePoint OpendhtDirectory::next_operation() const {
  TimePoint next = TimePoint::max();
  const bool may_start = connected_ && !watch_.gather_until();
  for (const auto& [operation, put] : puts_) next = std::min(next, put.give_up_at);
  for (const auto& [operation, question] : questions_) next = std::min(next, question.give_up_at);
  if (may_start && !repeats_.empty()) next = std::min(next, repeats_.front().at);
  return next;
}

std::optional<Transmit> OpendhtDirectory::poll_transmit() {
  if (auto early = early_.poll_transmit()) {
    ++stats_.packets_out;
    stats_.bytes_out += early->payload.size();
    return early;
  }
  auto transmit = node_ ? node_->poll_transmit() : std::nullopt;
  if (transmit) watch_sent(*transmit);
  return transmit;
}

void OpendhtDirectory::watch_sent(const Transmit& transmit) {
  if (early_.idle()) return;
  early_.watch_sent(turned_at_, transmit.to, inspect_packet(transmit.payload));
}

std::optional<DirectoryEvent> OpendhtDirectory::poll_event() {
  if (events_.empty()) return std::nullopt;
  const DirectoryEvent& next = events_.front();
  if (std::holds_alternative<ValuesFound>(next) || std::holds_alternative<IdsFound>(next)) {
    --found_events_;
  }
  return take_front(events_);
}

std::vector<KnownNode> OpendhtDirectory::known_nodes() const {
  return node_ ? node_->known_nodes() : std::vector<KnownNode>();
}

DirectoryStats OpendhtDirectory::stats() const {
  DirectoryStats stats = stats_;
  stats.connected = connected_;
  if (node_) node_->add_to(stats);
  return stats;
}

std::uint64_t OpendhtDirectory::library_exceptions() const {
  return exceptions_ + (node_ ? node_->exceptions() : 0);
}

std::uint64_t OpendhtDirectory::dropped() const {
  return dropped_ + (node_ ? node_->dropped() : 0);
}

std::uint64_t OpendhtDirectory::refused(GuardVerdict verdict) const {
  return refused_[static_cast<std::size_t>(verdict)];
}

}  // namespace kadwire::dht
