#pragma once

/// What others see of one local port: asks STUN servers, listens to members, and derives the
/// server-reflexive candidates and the NAT's behaviour, for each family by itself. Sans-IO.
/// Not here: host candidates (candidate), port mappings, telling anyone of the result.
///
/// What a liar can do. A server, which the operator chose, may name a false public endpoint as a
/// candidate or make the NAT look worse than it is; it cannot make us name a private, loopback,
/// multicast or mesh address. One member can raise doubt where a single server answers, no more;
/// it takes members in two networks to add a candidate.

#include <optional>
#include <span>
#include <vector>

#include "rendezvous/binding_client.h"
#include "rendezvous/candidate.h"
#include "rendezvous/filtering_watch.h"
#include "rendezvous/nat_behavior.h"

namespace kadwire::rendezvous {

/// Two would do; more show port allocation better, and survive failures. What is beyond is ignored.
inline constexpr std::size_t kStunServersMax = 8;
/// Networks whose members' words are remembered; the one not heard for the longest makes room.
inline constexpr std::size_t kPeerWordsMax = 16;
/// What was not confirmed for so long is forgotten: two rechecks, and longer than most NATs keep a
/// mapping, so a server's short failure changes nothing.
inline constexpr Duration kObservationMemory = 2 * kBindingRecheck;
/// Many paths die at once when a network does.
inline constexpr Duration kRefreshSpacing = 5s;
/// Candidates of one family, so that the other's fit beside them.
inline constexpr std::size_t kReflexiveCandidatesMax = kCandidatesMax / 2;

class NatObserver {
 public:
  /// `random` must outlive this object. What lies inside `mesh_networks` is never a candidate.
  NatObserver(RandomSource& random, std::vector<Prefix> mesh_networks);

  /// The servers from now on, the preferred first. One that is known already keeps what it said.
  void set_servers(TimePoint now, std::span<const Endpoint> servers);
  /// The host's addresses, and the port (not 0) whose mappings are to be learnt. Everything learnt
  /// is void, even if nothing differs; every server in a family that the host has is asked at once.
  /// Before the first call nothing is asked.
  void network_changed(TimePoint now, std::span<const LocalAddress> own, std::uint16_t port);
  /// True if the datagram was a server's answer; a foreign one changes nothing.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram);
  /// A member's pong that came straight from `peer`, which has proved that it is there, says so.
  void note_peer_saw(TimePoint now, const Endpoint& peer, const Endpoint& mapped);
  /// The external address that the site's gateway says it has; nullopt: there is none any more.
  void note_gateway(TimePoint now, const std::optional<IpAddress>& external);
  /// How often a mapping has to be used to stay; kBindingRefresh at first.
  void set_refresh(TimePoint now, Duration refresh);
  /// The mappings may be others now: asks all servers, without forgetting what they said.
  void refresh_now(TimePoint now);
  /// A path that worked is dead, perhaps because the NAT has forgotten its mappings: the same, but
  /// kRefreshSpacing after the last time at the earliest.
  void note_path_lost(TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: nothing pending
  [[nodiscard]] std::optional<Transmit> poll_transmit();        ///< call until nullopt
  /// Whether anything below differs from when this was last asked.
  [[nodiscard]] bool poll_change();

  /// IPv6 first, each endpoint once, none that equals an own address with our port; at most
  /// kReflexiveCandidatesMax of each family. What servers saw is server-reflexive, what only
  /// members saw is peer-reflexive. Where mappings depend on the destination, the newest mapping of
  /// each external address stands for all.
  [[nodiscard]] std::vector<Candidate> candidates() const;
  [[nodiscard]] const NatBehavior& behavior(AddressFamily family) const;
  /// Whose packets get in to the port, as far as a server could tell.
  [[nodiscard]] FilteringBehavior filtering(AddressFamily family) const {
    return findings(family).filtering;
  }
  /// No NAT, and no firewall that keeps strangers away: something came in from an endpoint that
  /// nothing was ever sent to.
  [[nodiscard]] bool open_to_strangers(AddressFamily family) const {
    return behavior(family).mapping == MappingBehavior::kNone &&
           lets_strangers_in(filtering(family));
  }
  /// At which addresses servers see this host, the newest first; more than one where its NAT has a
  /// pool of them, or a server lies.
  [[nodiscard]] const std::vector<IpAddress>& externals(AddressFamily family) const;

 private:
  /// An observation and when it was last found to be so.
  struct Sighting {
    MappingObservation observation;
    TimePoint confirmed_at;
  };
  struct Server {
    Endpoint endpoint;
    std::optional<BindingClient> client;  ///< none while the host has no address of its family
    std::optional<Sighting> seen;
  };
  /// What members in one network said last: a network has one voice, however many members it has.
  struct PeerWord {
    Prefix network;
    Sighting seen;
  };
  struct FamilyFindings {
    std::vector<Candidate> candidates;
    NatBehavior behavior;
    FilteringBehavior filtering = FilteringBehavior::kUnknown;
    std::vector<IpAddress> externals;
    bool operator==(const FamilyFindings&) const = default;
  };
  struct Findings {
    FamilyFindings ipv4, ipv6;
    bool operator==(const Findings&) const = default;
  };

  void refresh_if_due(TimePoint now);
  void start_asking(TimePoint now, Server& server);
  void learn(TimePoint now, Server& server);
  void distrust_others(TimePoint now, const Server& teller);
  void remember_word(const Prefix& network, const Sighting& seen);
  void forget_unconfirmed(TimePoint now);
  void conclude(TimePoint now);
  void choose_keeper(TimePoint now, AddressFamily family);
  [[nodiscard]] FamilyFindings conclusion(AddressFamily family) const;
  [[nodiscard]] bool is_credible(const Endpoint& mapped, const Endpoint& by) const;
  [[nodiscard]] Endpoint local_endpoint(const Endpoint& mapped) const;
  [[nodiscard]] bool has_family(AddressFamily family) const;
  [[nodiscard]] std::vector<Endpoint> server_endpoints() const;
  [[nodiscard]] std::vector<MappingObservation> observations(AddressFamily family) const;
  [[nodiscard]] const FamilyFindings& findings(AddressFamily family) const;

  RandomSource& random_;
  std::vector<Prefix> mesh_networks_;
  std::vector<IpAddress> own_;
  std::vector<Candidate> hosts_;  ///< the host candidates: own addresses worth a mapping
  std::uint16_t port_ = 0;        ///< 0 before the first network_changed
  std::vector<Server> servers_;
  std::vector<PeerWord> words_;
  std::optional<IpAddress> gateway_;
  FilteringWatch filtering_;
  Duration refresh_ = kBindingRefresh;
  TimePoint refreshed_;                   ///< when a lost path last made us ask
  std::optional<TimePoint> refresh_due_;  ///< another was lost since
  Findings findings_;
  Findings reported_;  ///< as of the last poll_change
};

}  // namespace kadwire::rendezvous
