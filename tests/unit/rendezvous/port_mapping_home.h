#pragma once

/// A host at a home gateway, for the tests of PortMapping: whatever it sends is answered.

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/support/made_up.h"
#include "tests/support/step_bound.h"
#include "tests/unit/rendezvous/fake_gateway.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {

using kadwire::testing::local;

inline constexpr TimePoint kStart{100h};
inline constexpr std::uint16_t kPort = 51820;
inline constexpr Duration kRoundTrip = 2ms;
inline const IpAddress kGateway = *IpAddress::parse("192.168.1.1");
inline const Endpoint kGatewayEndpoint{kGateway, kGatewayPort};
inline const std::set<MappingProtocol> kAll = {MappingProtocol::kPcp, MappingProtocol::kNatPmp,
                                               MappingProtocol::kUpnp};

inline const std::set<MappingProtocol> kNone = {};

/// A host at a home gateway. Whatever it sends is answered after kRoundTrip.
class Home {
 public:
  explicit Home(std::set<MappingProtocol> speaks = kAll) : gateway(std::move(speaks)) {
    gateway.started = kStart - 1h;
  }

  void join(const char* address = "192.168.1.20/24", std::uint16_t port = kPort) {
    mapping.network_changed(now, std::vector{kGateway}, std::vector{local(address)}, port);
    exchange();
  }
  /// Lets time pass, with everything that falls due in it.
  void pass(Duration duration) {
    const TimePoint end = now + duration;
    while (true) {
      exchange();
      const auto due = mapping.next_timeout();
      if (!due || *due > end) break;
      steps_.take(now);
      now = std::max(now, *due);
      mapping.handle_timeout(now);
    }
    now = end;
  }
  /// Carries requests and answers to and fro until there are none.
  void exchange() {
    const TimePoint begin = now;  // each answer takes its time, so `now` does not stand still
    for (bool any = true; any;) {
      any = false;
      while (const auto transmit = mapping.poll_transmit()) {
        any = true;
        steps_.take(begin);
        EXPECT_EQ(transmit->to, kGatewayEndpoint);
        sent.push_back({now, transmit->payload});
        if (const auto answer = gateway.answer(now, *transmit)) deliver(*answer);
      }
      while (const auto request = mapping.poll_upnp()) {
        any = true;
        steps_.take(begin);
        asked_by_upnp.push_back(*request);
        if (upnp_answers) mapping.handle_upnp(now, gateway.answer(*request));
      }
    }
  }
  bool deliver(const Bytes& datagram) {
    now += kRoundTrip;
    return mapping.handle_datagram(now, kGatewayEndpoint, datagram);
  }
  [[nodiscard]] std::optional<Endpoint> mapped() const {
    const auto candidates = mapping.candidates();
    if (candidates.empty()) return std::nullopt;
    EXPECT_EQ(candidates.size(), 1U);
    EXPECT_EQ(candidates[0].kind, CandidateKind::kMapped);
    return candidates[0].endpoint;
  }
  [[nodiscard]] std::optional<MappingProtocol> protocol() const {
    if (!mapping.mapping()) return std::nullopt;
    return mapping.mapping()->protocol;
  }

  struct Sent {
    TimePoint at;
    Bytes payload;
  };
  TimePoint now = kStart;
  FakeGateway gateway;
  bool upnp_answers = true;
  testnet::SeededRandom random{7};
  PortMapping mapping{random, {*Prefix::parse("10.99.0.0/16")}};
  std::vector<Sent> sent;
  std::vector<UpnpRequest> asked_by_upnp;

 private:
  kadwire::testing::StepBound steps_;
};

inline const Endpoint kMapped = *Endpoint::parse("203.0.113.5:51820");

}  // namespace kadwire::rendezvous
