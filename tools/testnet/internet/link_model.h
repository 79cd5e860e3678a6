#pragma once

/// How a host's or a gateway's access link behaves, as a scenario describes it. Plain values.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "node/base/time.h"

namespace kadwire::testnet {

/// A distribution of durations.
struct LatencyModel {
  enum class Shape { kFixed, kUniform, kLogNormal };
  Shape shape = Shape::kFixed;
  Duration low{0};   ///< fixed: the value; uniform: the least; log-normal: the median
  Duration high{0};  ///< uniform: the most
  double sigma = 0;  ///< log-normal: of the logarithm; 0.5 is a typical access network
};

/// Loss in bursts: Gilbert and Elliott's two states, stepped once a packet.
struct BurstModel {
  double enter = 0;  ///< probability that a good link turns bad with a packet
  double leave = 1;  ///< that a bad one turns good
  double loss = 1;   ///< of a packet while bad
};

/// One access link; both directions alike, each with a state of its own.
struct LinkModel {
  LatencyModel latency{};  ///< one way, drawn once for each host
  Duration jitter{0};      ///< added to each packet, uniform from 0 to this; packets of
                           ///< one flow stay in order
  double loss = 0;         ///< of each packet, each way, independent
  std::optional<BurstModel> bursts{};
  double duplicate = 0;                 ///< probability that a packet arrives twice
  double reorder = 0;                   ///< probability that a packet is overtaken:
  Duration reorder_by{10ms};            ///< it comes so much later than its turn
  std::uint64_t bits_per_second = 0;    ///< 0: unlimited
  std::size_t queue_bytes = 64 * 1024;  ///< waiting at the bottleneck; more is dropped
  std::size_t mtu_bytes = 1500;         ///< headers included
  bool mtu_told = true;                 ///< false: too large packets vanish without the ICMP answer
};

}  // namespace kadwire::testnet
