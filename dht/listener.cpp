#include "dht/listener.h"

#include <algorithm>

#include "dht/sealed_value.h"
#include "node/base/queue.h"

namespace kadwire::dht {

Listener::Listener(const crypto::KeySchedule& keys, RandomSource& random, OperationIds& operations)
    : keys_(keys), random_(random), operations_(operations) {}

void Listener::start(Now now) {
  started_ = true;
  handle_timeout(now);
}

void Listener::handle_event(Now now, const DirectoryEvent& event) {
  if (const auto* values = std::get_if<ValuesFound>(&event)) on_values(now, *values);
  if (const auto* ids = std::get_if<IdsFound>(&event)) on_ids(now, *ids);
  if (const auto* done = std::get_if<GetDone>(&event)) on_get_done(now, *done);
  if (const auto* change = std::get_if<ConnectivityChanged>(&event)) on_connectivity(now, *change);
}

void Listener::handle_timeout(Now now) {
  if (!started_ || !connected_) return;
  follow_hours(now);
  for (Subscription& each : subscriptions_) {
    if (!each.outside_hours && now.steady >= each.backing.due()) ask(now, each);
  }
}

std::optional<TimePoint> Listener::next_timeout() const {
  if (!started_ || !connected_) return std::nullopt;
  TimePoint earliest = hours_change_;
  for (const Subscription& each : subscriptions_) {
    if (!each.outside_hours) earliest = std::min(earliest, each.backing.due());
  }
  return earliest;
}

std::optional<DirectoryRequest> Listener::poll_request() {
  return take_front(requests_);
}

std::optional<ReceivedRecord> Listener::poll_record() {
  return take_front(records_);
}

void Listener::ask_neighbouring_hours(Now now) {
  if (!started_ || !connected_) return;
  const ActiveHours active(now.wall);
  const auto [earliest, latest] = std::ranges::minmax(active.hours());
  std::erase_if(subscriptions_, [](const Subscription& each) { return each.outside_hours; });
  for (const Hour hour : {earliest - 1, latest + 1}) {
    Subscription subscription{topic_of(keys_, hour), Backing(now.steady)};
    subscription.outside_hours = true;
    look(subscription);
    subscriptions_.push_back(std::move(subscription));
  }
}

void Listener::follow_hours(Now now) {
  const ActiveHours active(now.wall);
  std::erase_if(subscriptions_, [&](const Subscription& each) {
    if (each.outside_hours || active.contains(each.topic.hour)) return false;
    requests_.push_back(CancelRequest{each.listen});
    return true;
  });
  for (const Hour hour : active.hours()) {
    const bool known = std::ranges::any_of(subscriptions_, [&](const Subscription& each) {
      return !each.outside_hours && each.topic.hour == hour;
    });
    if (!known) subscribe(now, hour);
  }
  hours_change_ = now.steady + until_hours_change(now.wall);
}

void Listener::subscribe(Now now, Hour hour) {
  Subscription subscription{topic_of(keys_, hour), Backing(now.steady)};
  subscription.listen = operations_.next();
  requests_.push_back(ListenRequest{subscription.listen, subscription.topic.key});
  subscriptions_.push_back(std::move(subscription));
}

void Listener::look(Subscription& subscription) {
  subscription.look = operations_.next();
  requests_.push_back(GetRequest{subscription.look, subscription.topic.key});
}

/// The first time since the connecting for everything: the list of ids would be a round trip more.
void Listener::ask(Now now, Subscription& subscription) {
  subscription.backing.begin(now.steady, random_);
  subscription.fetches.clear();
  subscription.question = 0;
  if (subscription.look == 0) return look(subscription);
  subscription.question = operations_.next();
  requests_.push_back(ListIdsRequest{subscription.question, subscription.topic.key});
}

void Listener::fetch(Now now, Subscription& subscription, bool answer_ok) {
  subscription.question = 0;
  for (const auto id : subscription.backing.finish(now.steady, answer_ok, random_)) {
    subscription.fetches.push_back(operations_.next());
    requests_.push_back(GetRequest{subscription.fetches.back(), subscription.topic.key, id});
  }
}

void Listener::on_values(Now now, const ValuesFound& found) {
  for (Subscription& each : subscriptions_) {
    const bool fetched = std::ranges::find(each.fetches, found.operation) != each.fetches.end();
    if (!fetched && each.listen != found.operation && each.look != found.operation) continue;
    for (const FoundValue& value : found.values) {
      const bool news = receive(now, each, value);
      if (news && fetched) each.backing.ask_soon(now.steady, random_);
    }
  }
}

void Listener::on_ids(Now now, const IdsFound& found) {
  for (Subscription& each : subscriptions_) {
    if (each.question == found.operation) each.backing.hear_ids(now.steady, found.ids, random_);
  }
}

void Listener::on_get_done(Now now, const GetDone& done) {
  std::erase_if(subscriptions_, [&](const Subscription& each) {
    return each.outside_hours && each.look == done.operation;
  });
  for (Subscription& each : subscriptions_) {
    if (each.question == done.operation) fetch(now, each, done.ok);
    std::erase(each.fetches, done.operation);
  }
}

void Listener::on_connectivity(Now now, const ConnectivityChanged& change) {
  connected_ = change.connected;
  for (Subscription& each : subscriptions_) {
    each.backing.start_over(now.steady);
    if (!each.outside_hours) each.look = 0;
  }
  handle_timeout(now);
}

/// True if it is a record that was not known yet.
bool Listener::receive(Now now, Subscription& subscription, const FoundValue& found) {
  if (found.value.size() != kSealedValueBytes) {
    ++foreign_values_;
    return false;
  }
  if (records_.size() >= kReceivedRecordsMax) return false;
  if (opened_.contains(now.steady, name_of(found.value))) return false;
  auto record = open_value(keys_, subscription.topic, found.value);
  if (!record) {
    ++foreign_values_;
    return false;
  }
  // Found outside its hour it says that a clock is wrong; once that is mended it is news.
  if (!subscription.outside_hours) {
    opened_.remember(now.steady, name_of(found.value));
    subscription.backing.remember_opened(now.steady, found.value_id);
  }
  records_.push_back({std::move(*record), subscription.topic.hour, subscription.outside_hours});
  return true;
}

}  // namespace kadwire::dht
