#pragma once

/// Stores values without waiting for nodes that do not answer. The library puts a value once the
/// nodes nearest to its key have answered, and waits a second for each that is dead. Members' own
/// nodes are dead to strangers where a NAT filters, so that a second member would meet the first
/// one that much later. This follows the library's search on the wire; once the nearest of those
/// that do answer have, it puts the value there with the tokens they gave; in a network of so few
/// that each is among the nearest, at each as soon as it has. The library's own put comes later and
/// repeats it, the nodes passed over included.
/// It also puts beyond nodes that are too many from one place, so that a host that surrounds a key
/// with ids of its own does not get all copies; searches meet the others on their way. Sans-IO.
/// Puts only at nodes that answered a query of this node's from where it was sent.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "crypto/key_schedule.h"
#include "dht/packet_guard.h"
#include "node/base/random.h"
#include "node/base/transmit.h"

namespace kadwire::dht {

using crypto::InfoHash;

/// Where a value is put: as many as the library puts it at, for each family.
inline constexpr std::size_t kEarlyNodes = 8;
/// Of those, nodes of one neighbourhood of addresses (IPv4 /24, IPv6 /48): one host can have all
/// the ids around a key, and keep nothing.
inline constexpr std::size_t kEarlyNodesAlike = 2;
/// How long a node may take to answer: twice as long as the slowest that did, within these bounds.
/// Lower ones would pass over nodes that are only far away; the library itself allows 1 s.
inline constexpr Duration kAnswerPatienceShortest = 100ms;
inline constexpr Duration kAnswerPatienceLongest = 500ms;
/// A search is followed for so long; by then the library has put the value itself.
inline constexpr Duration kFollowFor = 4s;
/// Searches followed at once, a family each; the oldest gives way. A member has two topics and a
/// call or two.
inline constexpr std::size_t kSearchesMax = 16;
/// Nodes remembered of one search: eight to put at, and those passed on the way.
inline constexpr std::size_t kNeighboursMax = 64;
/// Queries and puts of which the answer is awaited, in all.
inline constexpr std::size_t kAwaitedMax = 512;

class EarlyPut {
 public:
  /// `node_id` and `network` are those of the library's node; `random` outlives this object.
  EarlyPut(const InfoHash& node_id, std::uint32_t network, RandomSource& random)
      : node_id_(node_id), network_(network), random_(random) {}

  /// Follows what is asked about `key` from now on. `value` as the library encodes it in a put.
  void begin(TimePoint now, const InfoHash& key, const Bytes& value);
  /// True while nothing is followed: then there is no need to inspect what is sent.
  [[nodiscard]] bool idle() const { return searches_.empty(); }
  /// A datagram of the library's left. `sent` refers to its bytes.
  void watch_sent(TimePoint now, const Endpoint& to, const Inspection& sent);
  /// A reply came. True if it answers a put from here, of which the library knows nothing.
  bool hear_reply(TimePoint now, const Endpoint& from, const Inspection& reply);
  /// A query or put was refused, as all are whose token was given to an address that this host no
  /// longer has: the library asks for another token, but after four refusals does not use it. True
  /// as above.
  bool hear_error(const Endpoint& from, const Inspection& error);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<Transmit> poll_transmit();

 private:
  struct Neighbour {
    Endpoint endpoint;
    std::optional<InfoHash> id{};  ///< nullopt: asked by the library, and not answered yet
    TimePoint since{};             ///< asked then, or told of
    bool asked = false;
    bool passed_over = false;  ///< did not answer in time
    bool stored = false;       ///< a put has left for it, from here or from the library
    Bytes token{};             ///< empty: has not answered
  };
  struct Search {
    InfoHash key{};
    AddressFamily family = AddressFamily::kIpv4;
    Bytes value;
    TimePoint ends_at;
    Duration slowest{0};  ///< the longest that an answer took
    std::vector<Neighbour> neighbours;
  };
  struct Awaited {
    std::uint32_t transaction = 0;
    Endpoint from;
    TimePoint asked_at;
    InfoHash key{};
    bool ours = false;  ///< a put from here
  };

  [[nodiscard]] Search* find(const InfoHash& key, AddressFamily family);
  void await_answer(const Awaited& awaited);
  [[nodiscard]] std::optional<Awaited> take_awaited(const Endpoint& from,
                                                    std::uint32_t transaction);
  [[nodiscard]] static Neighbour* find(Search& search, const Endpoint& endpoint);
  [[nodiscard]] static Neighbour* find_or_add(TimePoint now, Search& search,
                                              const Endpoint& endpoint);
  void add_neighbours(TimePoint now, const InfoHash& key, const Inspection& reply);
  static void pass_over(TimePoint now, Search& search);
  void put_at_the_nearest(TimePoint now, Search& search);
  void put(TimePoint now, const Search& search, const Neighbour& neighbour);

  const InfoHash node_id_;
  const std::uint32_t network_;
  RandomSource& random_;
  std::deque<Search> searches_;  ///< oldest first
  std::deque<Awaited> awaited_;  ///< oldest first
  std::deque<Transmit> transmits_;
};

}  // namespace kadwire::dht
