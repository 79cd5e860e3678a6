#pragma once

/// The two passages of a packet: the live one, in which NATs and firewalls remember and links lose
/// and delay, and the trial one, which asks what would happen and leaves no trace.

#include <cstdint>
#include <vector>

#include "tools/testnet/internet/route.h"

namespace kadwire::testnet {

/// A packet under way.
struct Flight {
  Packet packet;
  Station sender;
  Station station;                              ///< the next on its way in
  IpAddress destination;                        ///< to which the sender sent it
  std::size_t fragment_bytes = kWholeDatagram;  ///< in which it was sent
};

class LivePassage final : public Passage {
 public:
  /// All outlive the passage. `flight` is the sender's, its path MTU and where it goes.
  LivePassage(Topology& topology, TimePoint now, Flight& flight)
      : topology_(topology), now_(now), flight_(flight) {}

  Drop leave_host(Station host, const Packet& packet) override;
  NatBox::Port translate_outbound(std::uint32_t gateway, const Packet& packet) override;
  NatBox::Inside translate_inbound(std::uint32_t gateway, const Packet& packet) override;
  void leave_ipv6(std::uint32_t gateway, const Packet& packet) override;
  bool admits_ipv6(std::uint32_t gateway, const Packet& packet) override;
  Drop cross_uplink(std::uint32_t gateway, const Packet& packet) override;
  Drop cross_downlink(Station station, const Packet& packet) override;

  /// Since the passage began. The latency of the first station inward is not in it: the packet has
  /// waited for that before.
  [[nodiscard]] Duration delay() const { return delay_; }
  /// A link made a copy; further ones are not counted.
  [[nodiscard]] bool duplicated() const { return duplicated_; }

 private:
  Drop cross(Link& link, const Packet& packet);

  Topology& topology_;
  TimePoint now_;
  Flight& flight_;
  Duration delay_{0};
  bool duplicated_ = false;
  bool inside_ = false;  ///< went through its first station inward
};

class TrialPassage final : public Passage {
 public:
  TrialPassage(const Topology& topology, TimePoint now) : topology_(topology), now_(now) {}

  Drop leave_host(Station host, const Packet& packet) override;
  NatBox::Port translate_outbound(std::uint32_t gateway, const Packet& packet) override;
  NatBox::Inside translate_inbound(std::uint32_t gateway, const Packet& packet) override;
  void leave_ipv6(std::uint32_t, const Packet&) override {}
  bool admits_ipv6(std::uint32_t gateway, const Packet& packet) override;
  Drop cross_uplink(std::uint32_t gateway, const Packet& packet) override;
  Drop cross_downlink(Station station, const Packet& packet) override;

  /// Whether the host's firewall lets it in.
  [[nodiscard]] bool admits(std::uint32_t host, const Packet& packet) const;

 private:
  /// What the packet left behind in a NAT or a firewall that it may come back to.
  struct Trace {
    Endpoint inside;
    Endpoint outside;
  };
  struct NatTrace {
    std::uint32_t gateway;
    Trace trace;
  };

  const Topology& topology_;
  TimePoint now_;
  std::uint32_t sender_ = 0;
  Trace sent_;
  std::vector<NatTrace> translated_;
};

}  // namespace kadwire::testnet
