#include "tools/testnet/nodes/hash_flooder.h"

#include "dht/sealed_value.h"
#include "node/base/queue.h"

namespace kadwire::testnet {

void HashFlooder::handle_event(Now, const dht::DirectoryEvent& event) {
  if (std::holds_alternative<dht::PutDone>(event)) --under_way_;
}

void HashFlooder::handle_timeout(Now now) {
  next_ = now.steady + kJunkPause;
  while (!alive_.empty() && now.steady - alive_.front() >= kJunkLifetime) alive_.pop_front();
  if (alive_.size() >= kJunkValuesMax || under_way_ >= kPutsUnderWayMax) return;
  alive_.push_back(now.steady);
  ++under_way_;
  dht::PutRequest put{operations_.next(), topic_(hour_of(now.wall)), random_u64(random_) | 1,
                      Bytes(dht::kSealedValueBytes)};
  random_.fill(put.value);
  requests_.emplace_back(std::move(put));
}

std::optional<dht::DirectoryRequest> HashFlooder::poll_request() {
  return take_front(requests_);
}

}  // namespace kadwire::testnet
