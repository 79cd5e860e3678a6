#pragma once

/// What tests of two members and others in between have in common.

#include "tests/unit/rendezvous/agent_world.h"

namespace kadwire::rendezvous::testing {

inline constexpr std::string_view kA = "198.51.100.1:51820";
inline constexpr std::string_view kB = "203.0.113.2:51820";
inline constexpr std::string_view kM = "192.0.2.3:51820";
inline constexpr std::string_view kN = "192.0.2.4:51820";
inline constexpr std::string_view kBoth[] = {"198.51.100.1:51820 [2001:db8:1::1]:51820",
                                             "203.0.113.2:51820 [2001:db8:2::2]:51820"};

class AgentPair : public ::testing::Test {
 protected:
  void know_each_other(Member& a, Member& b) {
    a.meet(b);
    b.meet(a);
  }
  bool connect(Member& a, Member& b, Duration limit = 2s) {
    return world_.run_until([&] { return a.reaches(b) && b.reaches(a); }, limit);
  }
  /// Drops whatever travels between these two and no introducer.
  void cut(const Member& a, const Member& b) {
    world_.fate = [&](Packet& packet) {
      const Member* from = world_.owner_of(packet.from);
      const Member* to = world_.owner_of(packet.to);
      return Fate{(from == &a && to == &b) || (from == &b && to == &a)};
    };
  }
  /// Drops one family's packets.
  void cut(AddressFamily family) {
    world_.fate = [=](Packet& packet) { return Fate{packet.to.address.family() == family}; };
  }
  void mend() {
    world_.fate = [](Packet&) { return Fate{}; };
  }
  /// WireGuard's counters: data leaves, nothing comes.
  void report_silence(Member& at, Member& about, int times = 2) {
    for (int i = 0; i < times; ++i)
      at.agent->handle_traffic(at.world.now(), about.id(), true, false);
  }
  Member& controlling(Member& a, Member& b) { return a.id() < b.id() ? a : b; }

  AgentWorld world_;
};

}  // namespace kadwire::rendezvous::testing
