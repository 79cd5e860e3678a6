#include "dht/listener.h"

#include <algorithm>

#include "dht/sealed_value.h"
#include "node/base/queue.h"

namespace kadwire::dht {
namespace {

/// The seal's nonce names a value that opened: members draw it at random, so another value with the
/// same nonce can only be a copy or a forgery. Never remembered before it opened, or a forgery could
/// keep the true value out.
constexpr std::size_t kNonceBytes = 24;

}  // namespace

Listener::Listener(const crypto::KeySchedule& keys, RandomSource& random, OperationIds& operations)
    : keys_(keys), random_(random), operations_(operations) {}

void Listener::start(Now now) {
  started_ = true;
  handle_timeout(now);
}

void Listener::handle_event(Now now, const DirectoryEvent& event) {
  if (const auto* found = std::get_if<ValuesFound>(&event)) {
    const auto subscription = std::ranges::find_if(subscriptions_, [&](const Subscription& each) {
      return each.listen == found->operation || each.get == found->operation;
    });
    if (subscription == subscriptions_.end()) return;
    for (const FoundValue& value : found->values) receive(*subscription, value);
  } else if (const auto* done = std::get_if<GetDone>(&event)) {
    std::erase_if(subscriptions_, [&](const Subscription& each) {
      return each.outside_hours && each.get == done->operation;
    });
  } else if (const auto* change = std::get_if<ConnectivityChanged>(&event)) {
    connected_ = change->connected;
    for (Subscription& each : subscriptions_) each.next_get = now.steady;
    handle_timeout(now);
  }
}

void Listener::handle_timeout(Now now) {
  if (!started_ || !connected_) return;
  follow_hours(now);
  for (Subscription& each : subscriptions_) {
    if (!each.outside_hours && now.steady >= each.next_get) ask(now, each);
  }
}

std::optional<TimePoint> Listener::next_timeout() const {
  if (!started_ || !connected_) return std::nullopt;
  TimePoint earliest = hours_change_;
  for (const Subscription& each : subscriptions_) {
    if (!each.outside_hours) earliest = std::min(earliest, each.next_get);
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
    Subscription subscription;
    subscription.topic = topic_of(keys_, hour);
    subscription.outside_hours = true;
    ask(now, subscription);
    subscriptions_.push_back(subscription);
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
  Subscription subscription;
  subscription.topic = topic_of(keys_, hour);
  subscription.listen = operations_.next();
  subscription.next_get = now.steady;
  requests_.push_back(ListenRequest{subscription.listen, subscription.topic.key});
  subscriptions_.push_back(subscription);
}

void Listener::ask(Now now, Subscription& subscription) {
  subscription.get = operations_.next();
  subscription.next_get =
      now.steady + random_between(random_, kBackingGetShortest, kBackingGetLongest);
  requests_.push_back(GetRequest{subscription.get, subscription.topic.key});
}

void Listener::receive(const Subscription& subscription, const FoundValue& found) {
  if (found.value.size() != kSealedValueBytes) {
    ++foreign_values_;
    return;
  }
  if (records_.size() >= kReceivedRecordsMax || remembered(found.value)) return;
  auto record = open_value(keys_, subscription.topic, found.value);
  if (!record) {
    ++foreign_values_;
    return;
  }
  // Found outside its hour it says that a clock is wrong; once that is mended it is news.
  if (!subscription.outside_hours) remember(found.value);
  records_.push_back(
      {std::move(*record), subscription.topic.hour, subscription.outside_hours});
}

bool Listener::remembered(ByteView value) const {
  const std::string name(as_text(value.first(kNonceBytes)));
  return recent_.contains(name) || older_.contains(name);
}

void Listener::remember(ByteView value) {
  if (recent_.size() >= kRememberedValuesMax) {
    older_ = std::move(recent_);
    recent_.clear();
  }
  recent_.emplace(as_text(value.first(kNonceBytes)));
}

}  // namespace kadwire::dht
