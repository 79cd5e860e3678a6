#include "dht/announcer.h"

#include <algorithm>

#include "dht/sealed_value.h"
#include "node/base/queue.h"

namespace kadwire::dht {

Announcer::Announcer(const crypto::KeySchedule& keys, RandomSource& random,
                     OperationIds& operations)
    : keys_(keys), random_(random), operations_(operations) {}

void Announcer::set_record(Now now, Bytes record) {
  record_ = std::move(record);
  for (Publication& publication : publications_) publication.stage = Stage::kDue;
  handle_timeout(now);
}

void Announcer::announce_again(Now now) {
  for (Publication& publication : publications_) {
    const bool rests =
        publication.stage == Stage::kAccepted || publication.stage == Stage::kConfirmed;
    if (rests) publication.stage = Stage::kDue;
  }
  handle_timeout(now);
}

void Announcer::handle_event(Now now, const DirectoryEvent& event) {
  if (const auto* put_done = std::get_if<PutDone>(&event)) on_put_done(now, *put_done);
  if (const auto* found = std::get_if<ValuesFound>(&event)) on_values(*found);
  if (const auto* get_done = std::get_if<GetDone>(&event)) on_get_done(now, *get_done);
  if (const auto* change = std::get_if<ConnectivityChanged>(&event)) on_connectivity(now, *change);
}

void Announcer::handle_timeout(Now now) {
  if (!connected_ || record_.empty()) return;
  follow_hours(now);
  for (Publication& publication : publications_) advance(now, publication);
}

std::optional<TimePoint> Announcer::next_timeout() const {
  if (!connected_ || record_.empty()) return std::nullopt;
  TimePoint earliest = hours_change_;
  for (const Publication& publication : publications_) {
    earliest = std::min(earliest, publication.deadline);
  }
  return earliest;
}

std::optional<DirectoryRequest> Announcer::poll_request() {
  return take_front(requests_);
}

bool Announcer::accepted() const {
  return !publications_.empty() && std::ranges::all_of(publications_, [](const Publication& each) {
    return each.stage == Stage::kAccepted || each.stage == Stage::kChecking ||
           each.stage == Stage::kConfirmed;
  });
}

bool Announcer::confirmed() const {
  return !publications_.empty() && publications_.front().stage == Stage::kConfirmed;
}

void Announcer::follow_hours(Now now) {
  const ActiveHours active(now.wall);
  std::erase_if(publications_,
                [&](const Publication& each) { return !active.contains(each.topic.hour); });
  for (const Hour hour : active.hours()) {
    const bool known = std::ranges::any_of(
        publications_, [&](const Publication& each) { return each.topic.hour == hour; });
    if (known) continue;
    Publication publication;
    publication.topic = topic_of(keys_, hour);
    publication.deadline = now.steady;
    publications_.push_back(publication);
  }
  std::ranges::sort(publications_, {}, [&](const Publication& each) {
    return each.topic.hour != active.hours().front();
  });
  hours_change_ = now.steady + until_hours_change(now.wall);
}

void Announcer::advance(Now now, Publication& publication) {
  if (publication.stage == Stage::kDue) return put(now, publication);
  if (now.steady < publication.deadline) return;
  switch (publication.stage) {
    case Stage::kAccepted:
      return check(now, publication);
    case Stage::kPutting:
    case Stage::kChecking:
      return retry_later(now, publication);
    case Stage::kDue:
    case Stage::kConfirmed:
    case Stage::kFailed:
      return put(now, publication);
  }
}

void Announcer::put(Now now, Publication& publication) {
  publication.stage = Stage::kPutting;
  publication.operation = operations_.next();
  publication.value_id = fresh_value_id(random_);
  publication.value = seal_value(keys_, publication.topic, record_, random_);
  publication.deadline = now.steady + kRequestPatience;
  requests_.push_back(PutRequest{publication.operation, publication.topic.key, publication.value_id,
                                 publication.value});
}

void Announcer::check(Now now, Publication& publication) {
  publication.stage = Stage::kChecking;
  publication.operation = operations_.next();
  publication.seen = false;
  publication.deadline = now.steady + kRequestPatience;
  requests_.push_back(
      GetRequest{publication.operation, publication.topic.key, publication.value_id});
}

void Announcer::retry_later(Now now, Publication& publication) {
  publication.stage = Stage::kFailed;
  publication.deadline =
      now.steady + random_between(random_, publication.retry / 2, publication.retry);
  publication.retry = std::min(publication.retry * 2, kPutRetryLast);
}

void Announcer::on_put_done(Now now, const PutDone& done) {
  Publication* publication = find(done.operation, Stage::kPutting);
  if (publication == nullptr) return;
  if (!done.ok) return retry_later(now, *publication);
  publication->stage = Stage::kAccepted;
  publication->deadline = now.steady + kArrivalCheckDelay;
}

void Announcer::on_values(const ValuesFound& found) {
  Publication* publication = find(found.operation, Stage::kChecking);
  if (publication == nullptr) return;
  publication->seen |= std::ranges::any_of(
      found.values, [&](const FoundValue& each) { return each.value == publication->value; });
}

void Announcer::on_get_done(Now now, const GetDone& done) {
  Publication* publication = find(done.operation, Stage::kChecking);
  if (publication == nullptr) return;
  if (!publication->seen) return retry_later(now, *publication);
  publication->stage = Stage::kConfirmed;
  publication->retry = kPutRetryFirst;
  publication->deadline =
      now.steady + random_between(random_, kReannounceShortest, kReannounceLongest);
}

void Announcer::on_connectivity(Now now, const ConnectivityChanged& change) {
  if (change.connected && !connected_) {
    for (Publication& publication : publications_) publication.stage = Stage::kDue;
  }
  connected_ = change.connected;
  handle_timeout(now);
}

Announcer::Publication* Announcer::find(OperationId operation, Stage stage) {
  const auto found = std::ranges::find_if(publications_, [&](const Publication& each) {
    return each.operation == operation && each.stage == stage;
  });
  return found == publications_.end() ? nullptr : &*found;
}

}  // namespace kadwire::dht
