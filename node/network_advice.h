#pragma once

/// What a look at the network means for kadwire, in words for people: pure. Each finding names what
/// it was concluded from, and says so where that does not suffice.
/// Not here: looking (rendezvous/net_check), printing (control/netcheck_text).

#include <string>
#include <string_view>
#include <vector>

#include "rendezvous/net_report.h"

namespace kadwire::node {

struct Finding {
  std::string_view topic;  ///< "udp", "ipv4", "ipv6", "mapping", "ports", "filter-v4", "filter-v6",
                           ///< "nats", "hairpin", "gateway"
  bool certain = true;     ///< false: the evidence leaves room for something else
  std::string text;        ///< without a full stop
  std::string evidence;    ///< the same; empty: the text is the evidence
};

enum class Prospect : std::uint8_t {
  kDirect,
  kPerhaps,  ///< direct or relayed, depending on what cannot be seen from here
  kRelayed,
  kNone,
};
[[nodiscard]] std::string_view to_text(
    Prospect prospect);  // "direct", "perhaps", "relayed", "none"

/// What tunnels to peers of some kind will be like.
struct Expectation {
  std::string_view peers;  ///< "behind a home NAT …", to be read after "peers"
  Prospect prospect = Prospect::kNone;
  std::string reason;  ///< may be empty
};

struct NetworkAdvice {
  bool udp_works = false;  ///< some server answered
  std::vector<Finding> findings;
  std::vector<Expectation> expectations;
  std::vector<std::string> changes;  ///< what to do for more direct tunnels, the best first
};

[[nodiscard]] NetworkAdvice advise(const rendezvous::NetReport& report);

/// For people: "global", "temporary", "private", "carrier's", "bridge", "deprecated", "tentative".
[[nodiscard]] std::string_view quality_of(const rendezvous::LocalAddress& address);

}  // namespace kadwire::node
