#pragma once

/// One NAT: gives inside endpoints external ports and decides who may answer (RFC 4787 §4, §5).
/// Sans-IO and deterministic; time is an argument and does not run backwards between calls.
/// IPv4 only. Not here: where packets go from here, hairpinning (internet), links.
/// Deviations:
///   - Filters expire one by one, each as long after its last packet as a mapping would.
///   - With kPreservingOverload every destination gets the same port, so its mappings depend on
///     nothing, whatever the model says; the host that loses its port loses its mapping.
///   - Explicit mappings, which a host asked for (RFC 6887 §11), let everybody in. Where mappings
///     depend on the destination, only answers leave through them, as on Linux.

#include <cstdint>
#include <map>
#include <optional>
#include <tl/expected.hpp>
#include <unordered_map>

#include "node/base/endpoint.h"
#include "tools/testnet/internet/dice.h"
#include "tools/testnet/internet/expiring_table.h"
#include "tools/testnet/internet/nat_model.h"
#include "tools/testnet/internet/packet.h"
#include "tools/testnet/internet/port_set.h"

namespace kadwire::testnet {

/// Filters of one box; the one unused longest makes room. Four times Linux' usual conntrack table.
inline constexpr std::size_t kNatFiltersMax = 262'144;
/// Explicit mappings of one box; more are refused.
inline constexpr std::size_t kExplicitMappingsMax = 256;

class NatBox {
 public:
  /// Errors of both directions: kUdpBlocked, kNatFull outward, kNatFiltered inward.
  using Port = tl::expected<std::uint16_t, Drop>;
  using Inside = tl::expected<Endpoint, Drop>;

  NatBox(const NatModel& model, std::uint64_t seed);

  /// The external port under which a packet from inside leaves.
  [[nodiscard]] Port translate_outbound(TimePoint now, const Endpoint& inside,
                                        const Endpoint& destination);
  /// To whom a packet from outside goes.
  [[nodiscard]] Inside translate_inbound(TimePoint now, const Endpoint& from, std::uint16_t port);
  /// What the two would give, without a trace.
  [[nodiscard]] Port would_translate_outbound(TimePoint now, const Endpoint& inside,
                                              const Endpoint& destination) const;
  [[nodiscard]] Inside would_translate_inbound(TimePoint now, const Endpoint& from,
                                               std::uint16_t port) const;
  /// Maps `wish` (0: any), or the next free port, to an inside endpoint until the lease ends. One
  /// that has such a mapping, or uses a port for all destinations alike, keeps its port. Errors:
  /// kUdpBlocked, kNatFull.
  Port map_port(TimePoint now, const Endpoint& inside, std::uint16_t wish, Duration lease);
  void unmap_port(TimePoint now, const Endpoint& inside);
  /// The port that map_port() gave, as long as it leads to this endpoint.
  [[nodiscard]] std::optional<std::uint16_t> explicit_port(TimePoint now,
                                                           const Endpoint& inside) const;
  /// Forgets every mapping and filter.
  void reboot();

  [[nodiscard]] const NatModel& model() const { return model_; }
  [[nodiscard]] std::size_t mappings(TimePoint now) const { return mappings_.live(now); }
  [[nodiscard]] std::size_t mappings_peak() const { return peak_; }  ///< the most at any time
  [[nodiscard]] std::size_t filters(TimePoint now) const { return filters_.live(now); }

 private:
  /// An IPv4 endpoint, or as much of it as a mapping or a filter depends on: address in bits 16 to
  /// 47, port below.
  using Packed = std::uint64_t;
  struct MappingKey {
    Packed inside;
    Packed toward;
    bool operator==(const MappingKey&) const = default;
  };
  struct Mapping {
    std::uint64_t id = 0;  ///< never used twice: the filters of a lost mapping open nothing
    std::uint16_t port = 0;
  };
  struct FilterKey {
    std::uint64_t mapping_id;
    Packed from;
    bool operator==(const FilterKey&) const = default;
  };
  struct Nothing {};
  struct ExplicitMapping {
    std::uint64_t id = 0;  ///< of the filters that stand for flows through it
    Endpoint inside;
    TimePoint ends_at;
  };
  using ExplicitMappings = std::map<std::uint16_t, ExplicitMapping>;
  struct PairHash {
    std::size_t operator()(const MappingKey& key) const {
      return mix(key.inside ^ mix(key.toward));
    }
    std::size_t operator()(const FilterKey& key) const {
      return mix(key.mapping_id ^ mix(key.from));
    }
  };
  using Mappings = ExpiringTable<MappingKey, Mapping, PairHash>;
  /// What the choice of the next port depends on beyond what is taken.
  struct Allocator {
    Dice dice;
    std::uint16_t last = 0;  ///< given by sequential allocation
  };

  [[nodiscard]] static Packed pack(const Endpoint& endpoint);
  [[nodiscard]] static Endpoint unpack(Packed packed);
  [[nodiscard]] static Packed masked(Packed packed, Dependence dependence);
  [[nodiscard]] MappingKey mapping_key(const Endpoint& inside, const Endpoint& destination) const;
  [[nodiscard]] bool overloads() const;
  [[nodiscard]] std::optional<std::uint16_t> choose_port(const Endpoint& inside,
                                                         Allocator& allocator) const;
  [[nodiscard]] const Mappings::Entry* admitted(TimePoint now, const Endpoint& from,
                                                std::uint16_t port) const;
  /// Logically const: what has expired is gone, swept or not.
  void expire(TimePoint now) const;
  Mappings::Entry& add_mapping(TimePoint now, const MappingKey& key, std::uint16_t port);
  void open_filter(TimePoint now, std::uint64_t mapping_id, const Endpoint& peer);
  void remember(TimePoint now, const FilterKey& key);
  [[nodiscard]] ExplicitMappings::const_iterator find_explicit(TimePoint now,
                                                               const Endpoint& inside) const;
  [[nodiscard]] const ExplicitMapping* explicit_at(TimePoint now, std::uint16_t port) const;
  [[nodiscard]] std::optional<std::uint16_t> leaving_explicitly(TimePoint now,
                                                                const Endpoint& inside,
                                                                const Endpoint& destination) const;
  [[nodiscard]] bool maps_all_alike() const;
  [[nodiscard]] std::optional<std::uint16_t> release_implicit(TimePoint now,
                                                              const Endpoint& inside);

  NatModel model_;
  Allocator allocator_;
  mutable Mappings mappings_;
  mutable ExpiringTable<FilterKey, Nothing, PairHash> filters_;
  mutable ExplicitMappings explicit_;  ///< by external port; their ports are in taken_
  // Of every entry in mappings_:
  mutable std::unordered_map<std::uint16_t, MappingKey> by_port_;
  mutable PortSet taken_;
  std::uint64_t last_id_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace kadwire::testnet
