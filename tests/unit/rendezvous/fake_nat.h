#pragma once

/// A NAT as STUN servers see it: gives one socket's packets external endpoints, forgets a mapping
/// that no packet used for 30 s, and nothing else. For tests of who asks; what arrives is not
/// filtered.

#include <cstdint>
#include <map>

#include "node/base/endpoint.h"
#include "node/base/random.h"
#include "node/base/time.h"

namespace kadwire::rendezvous::testing {

enum class FakeMapping { kNone, kEndpointIndependent, kAddressDependent, kAddressAndPortDependent };
enum class FakePorts { kPreserving, kSequential, kRandom };

/// As impatient as real NATs get.
inline constexpr Duration kFakeExpiry = 30s;

class FakeNat {
 public:
  /// `step` is for sequential ports.
  FakeNat(FakeMapping mapping, FakePorts ports, RandomSource& random, int step = 1)
      : mapping_(mapping), ports_(ports), random_(random), step_(step) {}

  /// The endpoint under which a packet from `inside` reaches `destination`.
  [[nodiscard]] Endpoint translate(TimePoint now, const Endpoint& inside,
                                   const Endpoint& destination) {
    if (mapping_ == FakeMapping::kNone) return inside;
    Endpoint key;
    if (mapping_ != FakeMapping::kEndpointIndependent) key.address = destination.address;
    if (mapping_ == FakeMapping::kAddressAndPortDependent) key.port = destination.port;
    auto known = mappings_.find(key);
    if (known == mappings_.end() || now - known->second.used_at > kFakeExpiry) {
      known = mappings_.insert_or_assign(key, Mapping{next_port(inside.port), now}).first;
    }
    known->second.used_at = now;
    return {external_, known->second.port};
  }
  /// Every mapping from now on is a new one.
  void reboot() {
    mappings_.clear();
    ++reboots_;
  }

 private:
  struct Mapping {
    std::uint16_t port;
    TimePoint used_at;
  };
  std::uint16_t next_port(std::uint16_t inside) {
    switch (ports_) {
      case FakePorts::kPreserving:
        return static_cast<std::uint16_t>(inside + reboots_);
      case FakePorts::kSequential:
        return last_ = static_cast<std::uint16_t>(last_ + step_);
      case FakePorts::kRandom:
        break;
    }
    return static_cast<std::uint16_t>(1024 + random_below(random_, 64'512));
  }

  FakeMapping mapping_;
  FakePorts ports_;
  RandomSource& random_;
  int step_;
  int reboots_ = 0;
  std::uint16_t last_ = 20'000;
  IpAddress external_ = *IpAddress::parse("203.0.113.5");
  std::map<Endpoint, Mapping> mappings_;  ///< by as much of the destination as matters
};

}  // namespace kadwire::rendezvous::testing
