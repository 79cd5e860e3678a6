#pragma once

/// A member's directory that measures what the member puts: all values have one size, so that none
/// can be told from the others by it.

#include "dht/sealed_value.h"
#include "tools/testnet/nodes/directory_decorator.h"

namespace kadwire::testnet {

class GaugedDirectory final : public DirectoryDecorator {
 public:
  using DirectoryDecorator::DirectoryDecorator;
  void request(Now now, dht::DirectoryRequest request) override {
    const auto* put = std::get_if<dht::PutRequest>(&request);
    odd_size_ |= put != nullptr && put->value.size() != dht::kSealedValueBytes;
    inside().request(now, std::move(request));
  }
  /// Some value put so far had another size than dht::kSealedValueBytes.
  [[nodiscard]] bool odd_size() const { return odd_size_; }

 private:
  bool odd_size_ = false;
};

}  // namespace kadwire::testnet
