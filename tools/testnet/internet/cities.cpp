#include "tools/testnet/internet/cities.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kadwire::testnet {
namespace {

constexpr double kEarthRadiusKilometres = 6371;

constexpr std::array kCities = {
    City{"amsterdam", 52.37, 4.90},      City{"athens", 37.98, 23.73},
    City{"barcelona", 41.39, 2.17},      City{"berlin", 52.52, 13.41},
    City{"dublin", 53.35, -6.26},        City{"frankfurt", 50.11, 8.68},
    City{"helsinki", 60.17, 24.94},      City{"istanbul", 41.01, 28.98},
    City{"lisbon", 38.72, -9.14},        City{"london", 51.51, -0.13},
    City{"madrid", 40.42, -3.70},        City{"milan", 45.46, 9.19},
    City{"munich", 48.14, 11.58},        City{"oslo", 59.91, 10.75},
    City{"paris", 48.86, 2.35},          City{"stockholm", 59.33, 18.07},
    City{"vienna", 48.21, 16.37},        City{"warsaw", 52.23, 21.01},
    City{"zurich", 47.38, 8.54},         City{"atlanta", 33.75, -84.39},
    City{"chicago", 41.88, -87.63},      City{"dallas", 32.78, -96.80},
    City{"los-angeles", 34.05, -118.24}, City{"mexico-city", 19.43, -99.13},
    City{"new-york", 40.71, -74.01},     City{"san-francisco", 37.77, -122.42},
    City{"seattle", 47.61, -122.33},     City{"toronto", 43.65, -79.38},
    City{"bogota", 4.71, -74.07},        City{"buenos-aires", -34.60, -58.38},
    City{"santiago", -33.45, -70.67},    City{"sao-paulo", -23.55, -46.63},
    City{"cairo", 30.04, 31.24},         City{"johannesburg", -26.20, 28.05},
    City{"lagos", 6.52, 3.38},           City{"nairobi", -1.29, 36.82},
    City{"delhi", 28.61, 77.21},         City{"dubai", 25.20, 55.27},
    City{"hong-kong", 22.32, 114.17},    City{"jakarta", -6.21, 106.85},
    City{"mumbai", 19.08, 72.88},        City{"seoul", 37.57, 126.98},
    City{"singapore", 1.35, 103.82},     City{"tel-aviv", 32.09, 34.78},
    City{"tokyo", 35.68, 139.69},        City{"auckland", -36.85, 174.76},
    City{"sydney", -33.87, 151.21},
};

double radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

/// The haversine formula: exact for small distances too.
double great_circle_kilometres(const City& a, const City& b) {
  const double north = std::sin(radians(b.latitude - a.latitude) / 2);
  const double east = std::sin(radians(b.longitude - a.longitude) / 2);
  const double chord =
      north * north + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * east * east;
  return 2 * kEarthRadiusKilometres * std::asin(std::sqrt(std::min(1.0, chord)));
}

}  // namespace

std::span<const City> cities() {
  return kCities;
}

std::optional<std::size_t> find_city(std::string_view name) {
  const auto city = std::ranges::find(kCities, name, &City::name);
  if (city == kCities.end()) return std::nullopt;
  return static_cast<std::size_t>(city - kCities.begin());
}

MapPlace map_place(const City& city) {
  return {(city.longitude + 180) / 360, (90 - city.latitude) / 180};
}

Duration core_latency(const City& a, const City& b) {
  const double milliseconds =
      great_circle_kilometres(a, b) / kFibreKilometresPerMillisecond * kPathStretch;
  // Whole microseconds, so that the last bit of a sine cannot change a run.
  return kExchangeLatency + std::chrono::microseconds(std::llround(milliseconds * 1000));
}

}  // namespace kadwire::testnet
