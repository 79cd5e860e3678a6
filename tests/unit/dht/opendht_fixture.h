#pragma once

/// A network of real OpenDHT nodes in virtual time, for the tests of OpendhtDirectory: host 0 is
/// the bootstrap with 40 ms of round trip to everyone, the members have 80 ms to each other.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dht/opendht_directory.h"
#include "tests/support/directory_network.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::dht {

using testnet::advance_virtual_clock_to;
using testnet::virtual_now;

/// What a host can send and receive.
enum class Families { kIpv4, kIpv6, kBoth };

class OpendhtTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kBootstrap = 0;

  OpendhtTest() { testnet::seed_virtual_random_device(1); }

  static std::vector<Endpoint> endpoints(std::size_t host, Families families) {
    std::vector<Endpoint> result;
    if (families != Families::kIpv6) result.push_back(testing::test_endpoint_v4(host));
    if (families != Families::kIpv4) result.push_back(testing::test_endpoint_v6(host));
    return result;
  }

  /// A host that knows nobody yet.
  std::size_t add_host(Families families = Families::kIpv4, OpendhtOptions options = {}) {
    const std::size_t host = network_.size();
    return network_.add(
        std::make_unique<OpendhtDirectory>(virtual_now(), std::move(options), random_),
        endpoints(host, families));
  }
  /// A host that enters through the bootstrap.
  std::size_t add_member(Families families = Families::kIpv4) {
    const std::size_t host = add_host(families);
    network_.set_bootstrap(host, endpoints(kBootstrap, Families::kBoth));
    return host;
  }
  /// A member that does what a mesh node does at its start. Its value's first byte is its number.
  std::size_t add_mesh_member(Families families = Families::kIpv4) {
    const std::size_t host = add_member(families);
    network_.request(host, ListenRequest{kListen, key_});
    network_.request(host, put_of(host));
    network_.request(host, GetRequest{kGet, key_});
    return host;
  }
  /// The bootstrap, and `members` that have had the time to settle.
  void build_settled_network(std::size_t members, Families families = Families::kIpv4) {
    add_host(Families::kBoth);
    for (std::size_t i = 0; i < members; ++i) add_member(families);
    network_.run_for(90s);
  }

  PutRequest put_of(std::size_t host, OperationId operation = kPut) {
    return {operation, key_, ++last_value_id_, Bytes(560, static_cast<std::byte>(host))};
  }
  OpendhtDirectory& directory(std::size_t host) {
    return static_cast<OpendhtDirectory&>(network_.directory(host));
  }

  /// The hosts whose values this one was told of, itself left out, with the moment of each.
  [[nodiscard]] std::map<std::size_t, TimePoint> found_by(std::size_t host) const {
    std::map<std::size_t, TimePoint> found;
    for_values(host, [&](const FoundValue& value, const auto& event) {
      const auto owner = std::to_integer<std::size_t>(value.value.front());
      if (owner != host) found.emplace(owner, event.at);
    });
    return found;
  }
  /// When this host was first told of a value; nullopt: never.
  [[nodiscard]] std::optional<TimePoint> told_of(std::size_t host, std::uint64_t value_id,
                                                 OperationId operation = 0) const {
    std::optional<TimePoint> when;
    for_values(host, [&](const FoundValue& value, const auto& event) {
      const bool asked =
          operation == 0 || std::get<ValuesFound>(event.event).operation == operation;
      if (!when && asked && value.value_id == value_id) when = event.at;
    });
    return when;
  }
  template <typename Event>
  [[nodiscard]] std::vector<Event> events_of(std::size_t host) const {
    std::vector<Event> result;
    for (const auto& each : network_.events(host)) {
      if (const auto* event = std::get_if<Event>(&each.event)) result.push_back(*event);
    }
    return result;
  }
  [[nodiscard]] std::optional<bool> put_answer(std::size_t host, OperationId operation) const {
    for (const PutDone& done : events_of<PutDone>(host)) {
      if (done.operation == operation) return done.ok;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<bool> get_answer(std::size_t host, OperationId operation) const {
    for (const GetDone& done : events_of<GetDone>(host)) {
      if (done.operation == operation) return done.ok;
    }
    return std::nullopt;
  }
  bool run_until_connected(std::size_t host, Duration at_most) {
    return network_.run_for(at_most, [&] { return directory(host).stats().connected; });
  }

  static constexpr OperationId kListen = 1;
  static constexpr OperationId kPut = 2;
  static constexpr OperationId kGet = 3;

  testnet::SeededRandom random_{1};
  const InfoHash key_{std::byte{0x42}, std::byte{0x17}};
  std::uint64_t last_value_id_ = 0x1000'0000;
  testing::DirectoryNetwork network_{[](std::size_t from, std::size_t to) -> Duration {
    return from == kBootstrap || to == kBootstrap ? 20ms : 40ms;
  }};

 private:
  template <typename Visit>
  void for_values(std::size_t host, Visit visit) const {
    for (const auto& each : network_.events(host)) {
      const auto* found = std::get_if<ValuesFound>(&each.event);
      if (found == nullptr) continue;
      for (const FoundValue& value : found->values) visit(value, each);
    }
  }
};

}  // namespace kadwire::dht
