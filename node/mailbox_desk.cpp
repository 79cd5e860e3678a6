#include "node/mailbox_desk.h"

#include <algorithm>

#include "node/base/queue.h"

namespace kadwire::node {

static_assert(rendezvous::kMailboxCallBytesMax == dht::kMailboxCallBytesMax);

MailboxDesk::MailboxDesk(const crypto::KeySchedule& keys, const crypto::NodeIdentity& identity,
                         RandomSource& random, dht::OperationIds& operations)
    : keys_(keys),
      identity_(identity),
      random_(random),
      operations_(operations),
      reader_(keys, identity.node_id(), operations) {}

void MailboxDesk::set_own_record(const rendezvous::SignedRecord& record) {
  own_record_ = rendezvous::record_for_mailbox(record, identity_, keys_.mesh_id());
}

void MailboxDesk::watch(Now now, const crypto::NodeId& node) {
  const Watch watch{now.steady + kMailboxDelay};
  watched_.insert_or_assign(node, watch);
  watch_due_ = std::min(watch_due_.value_or(watch.due), watch.due);
}

/// Nothing that was tried before there was a DHT says that a member cannot be reached.
void MailboxDesk::handle_event(Now now, const dht::DirectoryEvent& event) {
  if (const auto* change = std::get_if<dht::ConnectivityChanged>(&event)) {
    connected_ = change->connected;
    for (auto& [node, watch] : watched_) {
      watch.due = std::max(watch.due, now.steady + kMailboxDelay);
    }
    find_due(now.steady);
  }
  reader_.handle_event(now, event);
}

void MailboxDesk::handle_timeout(Now now, const Predicate& lacks_path) {
  reader_.handle_timeout(now);
  if (!connected_ || !watch_due_ || now.steady < *watch_due_) return;
  std::erase_if(watched_, [&](const auto& entry) {
    return now.steady >= entry.second.due && !lacks_path(entry.first);
  });
  unsigned left = kMailLeftAtOnce;
  for (auto& [node, watch] : watched_) {
    if (now.steady < watch.due) continue;
    if (left-- == 0) break;
    call(now, node);
    watch.due = now.steady + watch.pause;
    watch.pause *= kMailboxPauseFactor;
    ++watch.tries;
  }
  std::erase_if(watched_, [](const auto& entry) { return entry.second.tries == kMailboxTries; });
  find_due(now.steady);
}

void MailboxDesk::find_due(TimePoint now) {
  watch_due_.reset();
  for (const auto& [node, watch] : watched_) {
    // What was due and did not get its turn waits for the next.
    const TimePoint due = watch.due > now ? watch.due : now + kMailPause;
    watch_due_ = std::min(watch_due_.value_or(due), due);
  }
}

std::optional<TimePoint> MailboxDesk::next_timeout() const {
  auto earliest = reader_.next_timeout();
  const auto consider = [&](std::optional<TimePoint> other) {
    if (other) earliest = std::min(earliest.value_or(*other), *other);
  };
  if (connected_) consider(watch_due_);
  if (reader_.has_mail()) consider(reading_since_ + kMailPause);
  return earliest;
}

std::optional<dht::DirectoryRequest> MailboxDesk::poll_request() {
  if (auto request = reader_.poll_request()) return request;
  return take_front(requests_);
}

/// Put once and not looked for: what is lost is made good by the next one.
void MailboxDesk::call(Now now, const crypto::NodeId& node) {
  if (own_record_.empty() || !written_.take(now.steady, node)) return;
  const dht::MailboxAddress address{hour_of(now.wall), node};
  const Bytes call =
      rendezvous::write_mailbox_call(keys_, identity_, random_, node, address.hour, own_record_);
  requests_.push_back(dht::PutRequest{operations_.next(), keys_.mailbox(address.hour, node),
                                      dht::fresh_value_id(random_),
                                      dht::seal_mailbox_value(keys_, address, call, random_)});
}

std::optional<rendezvous::SignedRecord> MailboxDesk::poll_call(Now now) {
  while (reader_.has_mail() && may_read(now.steady)) {
    if (auto caller = read(now, *reader_.poll_mail())) return caller;
  }
  return std::nullopt;
}

bool MailboxDesk::may_read(TimePoint now) {
  if (now - reading_since_ >= kMailPause) {
    reading_since_ = now;
    read_ = 0;
  }
  return read_++ < kMailReadAtOnce;
}

/// What costs least is asked first. A sender's quota is not spent by what others repeat of it.
std::optional<rendezvous::SignedRecord> MailboxDesk::read(Now now, const dht::ReceivedMail& mail) {
  std::erase_if(known_calls_, [&](const auto& each) { return now.steady >= each.second; });
  const auto id = rendezvous::mailbox_call_id(mail.call);
  if (!id || known_calls_.contains(*id)) return std::nullopt;
  auto call = rendezvous::read_mailbox_call(keys_, identity_, mail.hour, mail.call);
  if (!call || call->caller.record.node == identity_.node_id()) return std::nullopt;
  if (!believed_.take(now.steady, call->caller.record.node)) return std::nullopt;
  known_calls_.emplace(*id, now.steady + kMailboxCallMemory);
  return std::move(call->caller);
}

}  // namespace kadwire::node
