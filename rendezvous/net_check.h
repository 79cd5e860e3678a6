#pragma once

/// Looks at this host's network once, for a person: asks STUN servers and the gateway from two UDP
/// sockets of its own, and changes nothing anywhere. Sans-IO; ends by itself within kNetCheckMax.
/// Not here: what follows from it (node/network_advice), keeping anything alive (nat_observer).
///
///   each server   Binding, kAnswersWanted times: where it sees us, and how far away it is
///   the second    asks the first server that answers to answer from elsewhere (filtering_probe);
///   as socket        soon as a NAT that maps all alike is seen: its own mapping; then each socket
///                 sends to the other's outer endpoint (hairpin)
///   the gateway   PCP: removes a mapping that never was; NAT-PMP: its address; UPnP: the same
///
/// What a liar can do: a server, or who forges the gateway on the link, makes the report wrong.

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rendezvous/binding_client.h"
#include "rendezvous/filtering_probe.h"
#include "rendezvous/net_report.h"

namespace kadwire::rendezvous {

/// People wait for it.
inline constexpr Duration kNetCheckMax = 4500ms;
/// A server that is silent for so long is: five requests by then.
inline constexpr Duration kServerSilence = 4s;
/// The same where others of its family have answered: UDP works, so four requests tell enough.
inline constexpr Duration kServerSilenceBesideOthers = 2s;
/// The shortest of some round trips is without the first's name look-ups in ARP and NAT tables.
inline constexpr int kAnswersWanted = 3;
/// Tries of a hairpin, so far apart; the last is waited for as long. Only the own gateway is asked.
inline constexpr int kHairpinTries = 4;
inline constexpr Duration kHairpinSpacing = 100ms;

/// For UPnP's answer: a device answers a search within 1.5 s, and then describes itself.
inline constexpr Duration kUpnpLookMax = 2500ms;

/// Which of the two sockets; each has both families.
enum class CheckSocket : std::uint8_t { kMain, kSecond };

struct CheckTransmit {
  CheckSocket from = CheckSocket::kMain;
  Transmit transmit;
};

/// What the host is, as the system says.
struct NetSurroundings {
  std::vector<LocalAddress> addresses;
  std::vector<IpAddress> routers;  ///< of default routes, the preferred first
  std::uint16_t main_port = 0;     ///< of the two sockets, not 0
  std::uint16_t second_port = 0;
};

/// A server to ask. `source`: the own address from which the system would send there.
struct StunTarget {
  std::string name;
  Endpoint server;
  std::optional<IpAddress> source;
};

class NetCheck {
 public:
  /// `random` must outlive this object. The gateway is asked at once.
  NetCheck(NetSurroundings surroundings, RandomSource& random, TimePoint now);

  /// Asked at once; beyond kStunServersMax, or named twice, it is ignored.
  void add_server(TimePoint now, StunTarget target);
  void note_unresolved(UnresolvedName name);
  /// No more servers will come.
  void names_complete(TimePoint now);

  void handle_datagram(TimePoint now, CheckSocket at, const Endpoint& from, ByteView datagram);
  void handle_upnp(TimePoint now, const UpnpResult& result);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;  ///< nullopt: finished
  [[nodiscard]] std::optional<CheckTransmit> poll_transmit();   ///< call until nullopt
  [[nodiscard]] std::optional<UpnpRequest> poll_upnp();         ///< call until nullopt

  /// Everything is known that can be, or the time is over.
  [[nodiscard]] bool finished() const { return finished_; }
  /// As far as it is known by now.
  [[nodiscard]] NetReport report() const;

 private:
  struct Server {
    StunReport found;
    std::optional<BindingClient> client;  ///< none without a route
    TimePoint begun;
    TimePoint first_asked;  ///< when the request left that `mapped` came from
    int answers = 0;
    bool settled = false;
  };
  struct Gateway {
    IpAddress address;
    IpAddress own;
    PcpNonce nonce{};
    std::vector<GatewayReport> reports;
    std::vector<bool> known;  ///< by report, UPnP's the last: it has answered, or will not any more
    int requests = 0;
    TimePoint due;  ///< the next request, or giving up
  };
  struct Hairpin {
    Endpoint main_mapped;
    BindingClient second;  ///< learns the second socket's mapping
    std::optional<Endpoint> second_mapped;
    StunTransactionId token{};
    int tries = 0;
    TimePoint due;  ///< the next try, or giving up
    bool open = true;
    std::optional<bool> result;
  };

  /// One family's looks at what is let in, at one server after the other until one can tell.
  struct Filtering {
    std::optional<FilteringProbe> probe;
    std::vector<Endpoint> asked;
  };

  void choose_gateway();
  void ask_gateway(TimePoint now);
  void handle_gateway(ByteView datagram);
  void settle_gateway(MappingProtocol protocol, GatewayOutcome outcome,
                      const std::optional<IpAddress>& external);
  void learn(TimePoint now, Server& server);
  void settle_silent(TimePoint now);
  void look_at_filtering(TimePoint now, Filtering& filtering, AddressFamily family);
  [[nodiscard]] bool filtering_is_open() const;
  void begin_hairpin(TimePoint now);
  bool tell_filtering(TimePoint now, const Endpoint& from, ByteView datagram);
  void handle_second(TimePoint now, const Endpoint& from, ByteView datagram);
  void try_hairpin(TimePoint now);
  void end_hairpin(std::optional<bool> result);
  [[nodiscard]] bool is_hairpinned(ByteView datagram) const;
  void conclude(TimePoint now);
  [[nodiscard]] TimePoint silent_at(const Server& server) const;
  [[nodiscard]] bool hairpin_is_open() const { return hairpin_ && hairpin_->open; }
  [[nodiscard]] NatBehavior behavior(AddressFamily family) const;

  NetSurroundings surroundings_;
  RandomSource& random_;
  TimePoint begun_;
  std::vector<Server> servers_;
  std::vector<UnresolvedName> unresolved_;
  std::optional<Gateway> gateway_;
  std::optional<Hairpin> hairpin_;
  Filtering filtering_v4_, filtering_v6_;
  std::vector<IpAddress> second_sent_to_;  ///< servers
  bool names_complete_ = false;
  bool finished_ = false;
  std::deque<CheckTransmit> transmits_;
  std::deque<UpnpRequest> upnp_requests_;
};

}  // namespace kadwire::rendezvous
