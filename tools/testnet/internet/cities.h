#pragma once

/// Where hosts are, and how long a packet takes through the core between two such places.
/// A model, not a measurement: distance and one constant explain public ping tables to within a
/// third. Not here: access links (link_model.h), which usually take longer than the core.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "node/base/time.h"

namespace kadwire::testnet {

/// Light in glass: 1.5 times slower than in vacuum.
inline constexpr double kFibreKilometresPerMillisecond = 200;
/// Cables go around mountains, along coasts and through the exchanges of a third city. Between well
/// connected cities, round trips that operators publish are 1.3 to 1.8 times what the great circle
/// would take: Frankfurt to New York 83 ms against 62, New York to Los Angeles 62 against 39.
inline constexpr double kPathStretch = 1.5;
/// Routers and the exchange on the way, once each way; all there is between hosts of one city.
inline constexpr Duration kExchangeLatency = 500us;

struct City {
  std::string_view name;  ///< as scenarios spell it: "new-york"
  double latitude = 0;    ///< degrees, north positive
  double longitude = 0;   ///< degrees, east positive
};

/// Place on an equirectangular world map of width and height 1, from its north-western corner.
struct MapPlace {
  double x = 0;
  double y = 0;
};

/// All of them, by continent; the same in every run.
[[nodiscard]] std::span<const City> cities();
/// Index into cities(); nullopt: there is no such city.
[[nodiscard]] std::optional<std::size_t> find_city(std::string_view name);
[[nodiscard]] MapPlace map_place(const City& city);
/// One way, the same in both directions.
[[nodiscard]] Duration core_latency(const City& a, const City& b);

}  // namespace kadwire::testnet
