#pragma once

/// A NatObserver on a host at home, behind a FakeNat, with STUN servers that answer at once; time
/// passes when the test says so.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "rendezvous/nat_observer.h"
#include "tests/support/made_up.h"
#include "tests/support/step_bound.h"
#include "tests/unit/rendezvous/fake_nat.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous::testing {

using kadwire::testing::endpoint;
using kadwire::testing::local;

inline constexpr TimePoint kStart{1h};
inline constexpr std::uint16_t kPort = 51820;
inline const Endpoint kServerA = endpoint("198.51.100.1:3478");
inline const Endpoint kServerA2 = endpoint("198.51.100.1:3479");  ///< another port of A's address
inline const Endpoint kServerB = endpoint("192.0.2.7:3478");
inline const Endpoint kServerC = endpoint("198.18.5.5:3478");
inline const Endpoint kServerV6 = endpoint("[2001:db8:77::1]:3478");

class NatObserverTest : public ::testing::Test {
 protected:
  void use_nat(FakeMapping mapping, FakePorts ports, int step = 1) {
    nat_.emplace(mapping, ports, nat_random_, step);
  }
  /// The host joins the network and asks these servers.
  void start(std::vector<Endpoint> servers) {
    observer_.set_servers(now_, servers);
    observer_.network_changed(now_, own_, kPort);
  }
  /// Lets `servers` see another endpoint than the NAT gives.
  void lie(const Endpoint& server, const Endpoint& mapped) { lies_[server] = mapped; }

  /// What a server makes of one request; nullopt: it is silent.
  std::optional<Bytes> answer(const Transmit& request) {
    const bool about_filtering =
        parse_stun(request.payload)->find(StunAttributeType::kSoftware).has_value();
    if (!about_filtering) ++requests_[request.to];
    const Endpoint inside = {request.to.address.is_v4() ? inside_v4_ : inside_v6_, kPort};
    Endpoint mapped = inside;
    if (request.to.address.is_v4()) mapped = nat_->translate(now_, inside, request.to);
    if (silent_.contains(request.to)) return std::nullopt;
    const StunTransactionId transaction = parse_stun(request.payload)->transaction;
    if (refusing_.contains(request.to)) {
      return StunWriter(StunClass::kError, kStunBinding, transaction).error_code(400, "no").take();
    }
    if (const auto lie = lies_.find(request.to); lie != lies_.end()) mapped = lie->second;
    return StunWriter(StunClass::kSuccess, kStunBinding, transaction)
        .xor_mapped_address(mapped)
        .take();
  }
  /// Servers answer what is there to send.
  void exchange() {
    while (const auto request = observer_.poll_transmit()) {
      steps_.take(now_);
      if (const auto datagram = answer(*request)) {
        EXPECT_TRUE(observer_.handle_datagram(now_, request->to, *datagram));
      }
    }
  }
  void run_until(TimePoint end) {
    exchange();
    while (observer_.next_timeout() && *observer_.next_timeout() <= end) {
      steps_.take(now_);
      now_ = std::max(now_, *observer_.next_timeout());
      observer_.handle_timeout(now_);
      exchange();
    }
    now_ = end;
  }
  void run_for(Duration duration) { run_until(now_ + duration); }

  /// How many requests for a mapping a server got since this was last asked.
  int take_requests(const Endpoint& server) { return std::exchange(requests_[server], 0); }
  const NatBehavior& behavior() const { return observer_.behavior(AddressFamily::kIpv4); }
  std::vector<Endpoint> candidates() const {
    std::vector<Endpoint> endpoints;
    for (const Candidate& candidate : observer_.candidates()) {
      endpoints.push_back(candidate.endpoint);
    }
    return endpoints;
  }

  TimePoint now_ = kStart;
  kadwire::testing::StepBound steps_;
  testnet::SeededRandom random_{1};
  testnet::SeededRandom nat_random_{2};
  IpAddress inside_v4_ = *IpAddress::parse("192.168.1.10");
  IpAddress inside_v6_ = *IpAddress::parse("2001:db8:1::10");
  std::vector<LocalAddress> own_ = {local("192.168.1.10/24"), local("127.0.0.1/8")};
  std::optional<FakeNat> nat_{std::in_place, FakeMapping::kEndpointIndependent, FakePorts::kRandom,
                              nat_random_};
  std::set<Endpoint> silent_, refusing_;
  std::map<Endpoint, Endpoint> lies_;
  std::map<Endpoint, int> requests_;
  NatObserver observer_{random_, {*Prefix::parse("44.0.0.0/8"), *Prefix::parse("2001:db8:9::/48")}};
};

}  // namespace kadwire::rendezvous::testing
