#pragma once

/// Single values of the results to JSON and back. `read_value` leaves the value unspecified and
/// says what is wrong ("is not a number"), or nothing if all is well. Internal to results_json.cpp.

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/testnet/report/results.h"
#include "tools/testnet/report/results_json.h"

namespace kadwire::testnet {

/// A seed has 64 bits, a number of JavaScript 53: seeds are texts of decimal digits.
template <typename Number>
struct Seed {
  Number& number;
};
template <typename Number>
Seed(Number&) -> Seed<Number>;

/// Durations are numbers of seconds; packets by fate an object.
using DropCounts = std::array<std::uint64_t, kDropKinds>;

[[nodiscard]] Json json_value(const std::string& value);
[[nodiscard]] Json json_value(bool value);
[[nodiscard]] Json json_value(double value);
[[nodiscard]] Json json_value(std::uint64_t value);
[[nodiscard]] Json json_value(std::uint32_t value);
[[nodiscard]] Json json_value(Duration value);
[[nodiscard]] Json json_value(const std::optional<Duration>& value);
[[nodiscard]] Json json_value(PairState value);
[[nodiscard]] Json json_value(const TrafficByKind& value);
[[nodiscard]] Json json_value(const DropCounts& value);
[[nodiscard]] Json json_value(const rendezvous::PathTally& value);
[[nodiscard]] Json json_value(const std::vector<std::string>& value);
[[nodiscard]] Json json_value(const std::vector<std::uint32_t>& value);
[[nodiscard]] Json json_value(Seed<const std::uint64_t> value);

[[nodiscard]] std::string_view read_value(const Json& json, std::string& value);
[[nodiscard]] std::string_view read_value(const Json& json, bool& value);
[[nodiscard]] std::string_view read_value(const Json& json, double& value);
[[nodiscard]] std::string_view read_value(const Json& json, std::uint64_t& value);
[[nodiscard]] std::string_view read_value(const Json& json, std::uint32_t& value);
[[nodiscard]] std::string_view read_value(const Json& json, Duration& value);
[[nodiscard]] std::string_view read_value(const Json& json, std::optional<Duration>& value);
[[nodiscard]] std::string_view read_value(const Json& json, PairState& value);
[[nodiscard]] std::string_view read_value(const Json& json, TrafficByKind& value);
[[nodiscard]] std::string_view read_value(const Json& json, DropCounts& value);
[[nodiscard]] std::string_view read_value(const Json& json, rendezvous::PathTally& value);
[[nodiscard]] std::string_view read_value(const Json& json, std::vector<std::string>& value);
[[nodiscard]] std::string_view read_value(const Json& json, std::vector<std::uint32_t>& value);
[[nodiscard]] std::string_view read_value(const Json& json, const Seed<std::uint64_t>& value);

}  // namespace kadwire::testnet
