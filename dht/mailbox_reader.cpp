#include "dht/mailbox_reader.h"

#include <algorithm>

#include "dht/topic.h"
#include "node/base/queue.h"

namespace kadwire::dht {

MailboxReader::MailboxReader(const crypto::KeySchedule& keys, const crypto::NodeId& owner,
                             OperationIds& operations)
    : keys_(keys), owner_(owner), operations_(operations) {}

void MailboxReader::set_wanted(Now now, bool wanted) {
  if (wanted == wanted_) return;
  wanted_ = wanted;
  if (wanted) return handle_timeout(now);
  for (const Subscription& each : subscriptions_) requests_.push_back(CancelRequest{each.listen});
  subscriptions_.clear();
}

void MailboxReader::handle_event(Now now, const DirectoryEvent& event) {
  if (const auto* change = std::get_if<ConnectivityChanged>(&event)) {
    connected_ = change->connected;
    return handle_timeout(now);
  }
  const auto* found = std::get_if<ValuesFound>(&event);
  if (found == nullptr) return;
  const auto subscription =
      std::ranges::find(subscriptions_, found->operation, &Subscription::listen);
  if (subscription == subscriptions_.end()) return;
  for (const FoundValue& each : found->values) receive(now, *subscription, each.value);
}

void MailboxReader::handle_timeout(Now now) {
  if (connected_ && wanted_) follow_hours(now);
}

std::optional<TimePoint> MailboxReader::next_timeout() const {
  return connected_ && wanted_ ? std::optional(hours_change_) : std::nullopt;
}

std::optional<DirectoryRequest> MailboxReader::poll_request() {
  return take_front(requests_);
}

std::optional<ReceivedMail> MailboxReader::poll_mail() {
  return take_front(mail_);
}

void MailboxReader::follow_hours(Now now) {
  const ActiveHours active(now.wall);
  std::erase_if(subscriptions_, [&](const Subscription& each) {
    if (active.contains(each.address.hour)) return false;
    requests_.push_back(CancelRequest{each.listen});
    return true;
  });
  for (const Hour hour : active.hours()) {
    const bool known = std::ranges::any_of(
        subscriptions_, [&](const Subscription& each) { return each.address.hour == hour; });
    if (known) continue;
    const OperationId listen = operations_.next();
    subscriptions_.push_back({{hour, owner_}, keys_.mailbox_seal_key(hour, owner_), listen});
    requests_.push_back(ListenRequest{listen, keys_.mailbox(hour, owner_)});
  }
  hours_change_ = now.steady + until_hours_change(now.wall);
}

void MailboxReader::receive(Now now, const Subscription& subscription, ByteView value) {
  if (value.size() != kSealedValueBytes) {
    ++foreign_values_;
    return;
  }
  if (opened_.contains(now.steady, name_of(value))) return;
  auto call = open_mailbox_value(subscription.seal_key, subscription.address, value);
  if (!call) {
    ++foreign_values_;
    return;
  }
  opened_.remember(now.steady, name_of(value));
  if (mail_.size() >= kWaitingCallsMax) mail_.pop_front();
  mail_.push_back({std::move(*call), subscription.address.hour});
}

}  // namespace kadwire::dht
