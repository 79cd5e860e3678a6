#include "tools/testnet/report/json_values.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "tools/statistics.h"

namespace kadwire::testnet {
namespace {

/// About 31 years: far beyond any run, and no nanosecond count overflows.
constexpr double kSecondsMax = 1e9;
/// Of a list inside a row: nodes an event concerns, violations.
constexpr std::size_t kListMax = 20'000;

constexpr std::string_view kFine;

template <typename Element>
Json json_list(const std::vector<Element>& elements) {
  Json list = Json::array();
  for (const Element& element : elements) list.push_back(json_value(element));
  return list;
}

template <typename Element>
std::string_view read_list(const Json& json, std::vector<Element>& elements) {
  if (!json.is_array() || json.size() > kListMax) return "is not a list of a bounded length";
  elements.clear();
  for (const Json& element : json) {
    if (const auto wrong = read_value(element, elements.emplace_back()); !wrong.empty())
      return wrong;
  }
  return kFine;
}

/// One of Traffic's two numbers, for every kind.
std::string_view read_counts(const Json& json, std::uint64_t Traffic::*count,
                             TrafficByKind& traffic) {
  if (!json.is_array() || json.size() != kTrafficKinds) return "is not a list with every kind";
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    if (const auto wrong = read_value(json[kind], traffic[kind].*count); !wrong.empty())
      return wrong;
  }
  return kFine;
}

}  // namespace

Json json_value(const std::string& value) {
  return value;
}
Json json_value(bool value) {
  return value;
}
Json json_value(double value) {
  return value;
}
Json json_value(std::uint64_t value) {
  return value;
}
Json json_value(std::uint32_t value) {
  return value;
}
Json json_value(Duration value) {
  return to_seconds(value);
}

Json json_value(const std::optional<Duration>& value) {
  return value ? json_value(*value) : Json(nullptr);
}

Json json_value(PairState value) {
  return to_text(value);
}

Json json_value(const TrafficByKind& value) {
  Json packets = Json::array();
  Json bytes = Json::array();
  for (const Traffic& traffic : value) {
    packets.push_back(traffic.packets);
    bytes.push_back(traffic.bytes);
  }
  return {{"packets", std::move(packets)}, {"bytes", std::move(bytes)}};
}

Json json_value(const DropCounts& value) {
  Json causes = Json::object();
  for (std::size_t cause = 0; cause < kDropKinds; ++cause) {
    causes[std::string(to_text(static_cast<Drop>(cause)))] = value[cause];
  }
  return causes;
}

Json json_value(const rendezvous::PathTally& value) {
  Json causes = Json::object();
  for (std::size_t cause = 0; cause < rendezvous::kPathCauses; ++cause) {
    const auto name = rendezvous::name_of(static_cast<rendezvous::PathCause>(cause));
    causes[std::string(name)] = value.changes[cause];
  }
  return causes;
}

Json json_value(const std::vector<std::string>& value) {
  return json_list(value);
}
Json json_value(const std::vector<std::uint32_t>& value) {
  return json_list(value);
}
Json json_value(Seed<const std::uint64_t> value) {
  return std::to_string(value.number);
}

std::string_view read_value(const Json& json, std::string& value) {
  if (!json.is_string()) return "is not a text";
  value = json.get<std::string>();
  return kFine;
}

std::string_view read_value(const Json& json, bool& value) {
  if (!json.is_boolean()) return "is neither true nor false";
  value = json.get<bool>();
  return kFine;
}

std::string_view read_value(const Json& json, double& value) {
  if (!json.is_number()) return "is not a number";
  value = json.get<double>();
  return kFine;
}

std::string_view read_value(const Json& json, std::uint64_t& value) {
  if (!json.is_number_unsigned()) return "is not a whole number from 0";
  value = json.get<std::uint64_t>();
  return kFine;
}

std::string_view read_value(const Json& json, std::uint32_t& value) {
  std::uint64_t wide = 0;
  if (const auto wrong = read_value(json, wide); !wrong.empty()) return wrong;
  if (wide > std::numeric_limits<std::uint32_t>::max()) return "is too large";
  value = static_cast<std::uint32_t>(wide);
  return kFine;
}

std::string_view read_value(const Json& json, Duration& value) {
  double seconds = 0;
  if (const auto wrong = read_value(json, seconds); !wrong.empty()) return wrong;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return "is not a time since the start";
  value = Duration{std::llround(seconds * 1e9)};
  return kFine;
}

std::string_view read_value(const Json& json, std::optional<Duration>& value) {
  value.reset();
  return json.is_null() ? kFine : read_value(json, value.emplace());
}

std::string_view read_value(const Json& json, PairState& value) {
  if (!json.is_string()) return "is not a text";
  for (const auto state : {PairState::kNone, PairState::kDirect, PairState::kRelayed}) {
    if (json.get_ref<const std::string&>() != to_text(state)) continue;
    value = state;
    return kFine;
  }
  return "is not a state of a pair";
}

std::string_view read_value(const Json& json, TrafficByKind& value) {
  if (!json.is_object() || json.size() != 2 || !json.contains("packets") ||
      !json.contains("bytes")) {
    return "is not an object of packets and bytes";
  }
  const auto wrong = read_counts(json["packets"], &Traffic::packets, value);
  return wrong.empty() ? read_counts(json["bytes"], &Traffic::bytes, value) : wrong;
}

std::string_view read_value(const Json& json, DropCounts& value) {
  if (!json.is_object() || json.size() != kDropKinds) return "is not an object with every cause";
  value = {};
  for (std::size_t cause = 0; cause < kDropKinds; ++cause) {
    const std::string name(to_text(static_cast<Drop>(cause)));
    if (!json.contains(name)) return "is not an object with every cause";
    if (const auto wrong = read_value(json[name], value[cause]); !wrong.empty()) return wrong;
  }
  return kFine;
}

std::string_view read_value(const Json& json, rendezvous::PathTally& value) {
  if (!json.is_object() || json.size() != rendezvous::kPathCauses) {
    return "is not an object with every cause";
  }
  for (std::size_t cause = 0; cause < rendezvous::kPathCauses; ++cause) {
    const std::string name(rendezvous::name_of(static_cast<rendezvous::PathCause>(cause)));
    if (!json.contains(name)) return "is not an object with every cause";
    if (const auto wrong = read_value(json[name], value.changes[cause]); !wrong.empty()) {
      return wrong;
    }
  }
  return kFine;
}

std::string_view read_value(const Json& json, std::vector<std::string>& value) {
  return read_list(json, value);
}

std::string_view read_value(const Json& json, std::vector<std::uint32_t>& value) {
  return read_list(json, value);
}

std::string_view read_value(const Json& json, const Seed<std::uint64_t>& value) {
  if (!json.is_string()) return "is not a text";
  const auto& digits = json.get_ref<const std::string&>();
  const char* end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, value.number);
  return error == std::errc{} && last == end ? kFine : "is not a decimal number of 64 bits";
}

}  // namespace kadwire::testnet
