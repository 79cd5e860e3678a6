#include "tools/testnet/nodes/record_abuser.h"

#include <algorithm>

#include "dht/sealed_value.h"
#include "node/base/queue.h"

namespace kadwire::testnet {

RecordAbuser::RecordAbuser(Now now, const SimMesh& mesh, RandomSource& random, Duration pause)
    : mesh_(mesh),
      random_(random),
      pause_(pause),
      listener_(mesh.keys(), random, operations_),
      next_act_(now.steady + pause) {
  listener_.start(now);
}

void RecordAbuser::handle_event(Now now, const dht::DirectoryEvent& event) {
  if (const auto* done = std::get_if<dht::PutDone>(&event)) under_way_.erase(done->operation);
  listener_.handle_event(now, event);
  hear();
}

void RecordAbuser::handle_timeout(Now now) {
  listener_.handle_timeout(now);
  hear();
  if (now.steady < next_act_) return;
  next_act_ = now.steady + pause_;
  act(now);
}

std::optional<TimePoint> RecordAbuser::next_timeout() const {
  return std::min(next_act_, listener_.next_timeout().value_or(next_act_));
}

std::optional<dht::DirectoryRequest> RecordAbuser::poll_request() {
  if (auto request = listener_.poll_request()) return request;
  return take_front(requests_);
}

void RecordAbuser::hear() {
  while (const auto received = listener_.poll_record()) {
    auto record = rendezvous::decode_record(received->record, mesh_.keys().mesh_id());
    if (!record || victims_.size() >= kVictimsMax) continue;
    if (not_victims_.insert(record->record.node).second) victims_.push_back(std::move(*record));
  }
}

void RecordAbuser::put(ByteView record, Hour hour) {
  if (under_way_.size() >= kAbusesUnderWayMax) return;
  const dht::Topic topic = dht::topic_of(mesh_.keys(), hour);
  const dht::OperationId operation = operations_.next();
  under_way_.insert(operation);
  requests_.emplace_back(dht::PutRequest{operation, topic.key, random_u64(random_) | 1,
                                         dht::seal_value(mesh_.keys(), topic, record, random_)});
}

rendezvous::PeerRecord RecordAbuser::blank_record(Now now) const {
  rendezvous::PeerRecord record;
  record.sequence = unix_milliseconds(now.wall);
  record.issued = now.wall;
  record.lifetime = rendezvous::kRecordLifetimeMax;
  record.lease_since = now.wall;
  record.ipv4_network = mesh_.ipv4_network();
  return record;
}

}  // namespace kadwire::testnet
