#include "dht/early_put.h"

#include <algorithm>
#include <map>
#include <msgpack.hpp>
#include <string_view>
#include <utility>

#include "node/base/queue.h"

namespace kadwire::dht {
namespace {

/// Who wrote a message, as OpenDHT 2.4 says it of itself: nodes treat others by it.
constexpr std::string_view kAgent = "RNG1";

using Packer = msgpack::packer<msgpack::sbuffer>;

void pack_binary(Packer& packer, ByteView bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::uint32_t>(bytes.size()));
}

struct PutMessage {
  const InfoHash& node_id;
  const InfoHash& key;
  const Bytes& value;
  const Bytes& token;
  std::uint32_t transaction;
  std::uint32_t network;
};

/// Without the time of its creation a value is as old as its arrival.
Bytes encode(const PutMessage& put) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  packer.pack_map(put.network == 0 ? 5 : 6);
  packer.pack("a");
  packer.pack_map(4);
  packer.pack("id");
  pack_binary(packer, put.node_id);
  packer.pack("h");
  pack_binary(packer, put.key);
  packer.pack("values");
  packer.pack_array(1);
  buffer.write(reinterpret_cast<const char*>(put.value.data()), put.value.size());
  packer.pack("token");
  pack_binary(packer, put.token);
  packer.pack("q").pack("put");
  packer.pack("t").pack(put.transaction);
  packer.pack("y").pack("q");
  packer.pack("v").pack(kAgent);
  if (put.network != 0) packer.pack("n").pack(put.network);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer.data());
  return {bytes, bytes + buffer.size()};
}

InfoHash hash_from(ByteView bytes) {
  InfoHash hash{};
  std::ranges::copy(bytes.first(hash.size()), hash.begin());
  return hash;
}

/// Kademlia's metric: what is left of `id` without what it shares with `key`.
InfoHash distance(const InfoHash& key, const InfoHash& id) {
  InfoHash result{};
  std::ranges::transform(key, id, result.begin(), std::bit_xor<>());
  return result;
}

/// Calls `on_node` with each id and endpoint of a reply's list of nodes of one family.
template <typename OnNode>
void for_nodes(ByteView list, std::size_t address_bytes, OnNode on_node) {
  ByteReader reader(list);
  while (reader.remaining() > 0) {
    const auto id = reader.array<std::tuple_size_v<InfoHash>>();
    const auto address = IpAddress::from_bytes(reader.raw(address_bytes));
    const std::uint16_t port = reader.be16();
    if (!reader.ok()) return;
    if (address && port != 0) on_node(id, Endpoint{*address, port});
  }
}

Prefix place_of(const IpAddress& address) {
  return Prefix{address, address.is_v4() ? 24U : 48U}.network();
}

Duration patience_of(Duration slowest) {
  return std::clamp(2 * slowest, kAnswerPatienceShortest, kAnswerPatienceLongest);
}

}  // namespace

void EarlyPut::begin(TimePoint now, const InfoHash& key, const Bytes& value) {
  for (const auto family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    std::erase_if(searches_, [&](const Search& search) {
      return search.key == key && search.family == family;
    });
    if (searches_.size() >= kSearchesMax) searches_.pop_front();
    Search& search = searches_.emplace_back();
    search.key = key;
    search.family = family;
    search.value = value;
    search.ends_at = now + kFollowFor;
  }
}

EarlyPut::Search* EarlyPut::find(const InfoHash& key, AddressFamily family) {
  const auto found = std::ranges::find_if(searches_, [&](const Search& search) {
    return search.key == key && search.family == family;
  });
  return found == searches_.end() ? nullptr : &*found;
}

void EarlyPut::await_answer(const Awaited& awaited) {
  if (awaited_.size() >= kAwaitedMax) awaited_.pop_front();
  awaited_.push_back(awaited);
}

std::optional<EarlyPut::Awaited> EarlyPut::take_awaited(const Endpoint& from,
                                                        std::uint32_t transaction) {
  const auto place = std::ranges::find_if(awaited_, [&](const Awaited& each) {
    return each.transaction == transaction && each.from == from;
  });
  if (place == awaited_.end()) return std::nullopt;
  const Awaited awaited = *place;
  awaited_.erase(place);
  return awaited;
}

EarlyPut::Neighbour* EarlyPut::find(Search& search, const Endpoint& endpoint) {
  const auto found = std::ranges::find(search.neighbours, endpoint, &Neighbour::endpoint);
  return found == search.neighbours.end() ? nullptr : &*found;
}

/// nullptr: there is no room.
EarlyPut::Neighbour* EarlyPut::find_or_add(TimePoint now, Search& search,
                                           const Endpoint& endpoint) {
  if (Neighbour* known = find(search, endpoint)) return known;
  if (search.neighbours.size() >= kNeighboursMax) return nullptr;
  return &search.neighbours.emplace_back(Neighbour{endpoint, std::nullopt, now});
}

void EarlyPut::watch_sent(TimePoint now, const Endpoint& to, const Inspection& sent) {
  if (!sent.accepted() || sent.kind != PacketKind::kQuery || sent.key.empty()) return;
  const InfoHash key = hash_from(sent.key);
  Search* search = find(key, to.address.family());
  if (search == nullptr) return;
  Neighbour* neighbour = find_or_add(now, *search, to);
  if (neighbour == nullptr) return;
  if (!std::exchange(neighbour->asked, true)) {
    neighbour->since = now;
    neighbour->passed_over = false;
  }
  neighbour->stored |= sent.method == "put";
  await_answer({sent.transaction, to, now, key, false});
}

bool EarlyPut::hear_reply(TimePoint now, const Endpoint& from, const Inspection& reply) {
  const auto answered = take_awaited(from, reply.transaction);
  if (!answered || answered->ours) return answered.has_value();
  Search* search = find(answered->key, from.address.family());
  // It may have been asked for the put before this one.
  Neighbour* neighbour = search != nullptr ? find_or_add(now, *search, from) : nullptr;
  if (neighbour == nullptr) return false;
  search->slowest = std::max<Duration>(search->slowest, now - answered->asked_at);
  neighbour->id = hash_from(reply.sender);
  if (!reply.token.empty()) neighbour->token.assign(reply.token.begin(), reply.token.end());
  add_neighbours(now, search->key, reply);
  put_at_the_nearest(now, *search);
  return false;
}

bool EarlyPut::hear_error(const Endpoint& from, const Inspection& error) {
  const auto refused = take_awaited(from, error.transaction);
  if (!refused) return false;
  Search* search = find(refused->key, from.address.family());
  Neighbour* neighbour = search != nullptr ? find(*search, from) : nullptr;
  if (neighbour != nullptr) {
    neighbour->stored = false;
    neighbour->token.clear();
  }
  return refused->ours;
}

/// What a reply says of nodes near the key. A lie costs a search its patience.
void EarlyPut::add_neighbours(TimePoint now, const InfoHash& key, const Inspection& reply) {
  const auto add = [&](const InfoHash& id, const Endpoint& endpoint) {
    Search* search = find(key, endpoint.address.family());
    if (search == nullptr || id == node_id_) return;
    Neighbour* neighbour = find_or_add(now, *search, endpoint);
    if (neighbour != nullptr && !neighbour->id) neighbour->id = id;
  };
  for_nodes(reply.nodes4, 4, add);
  for_nodes(reply.nodes6, 16, add);
}

void EarlyPut::pass_over(TimePoint now, Search& search) {
  for (Neighbour& each : search.neighbours) {
    each.passed_over |= now >= each.since + patience_of(search.slowest);
  }
}

/// Puts the value at the nearest nodes once none of those that may be among them is still to be
/// waited for; at once where no more are known than it is put at. Whoever answers later and is near
/// enough gets it then.
void EarlyPut::put_at_the_nearest(TimePoint now, Search& search) {
  // An unknown id may turn out to be the nearest.
  std::ranges::stable_sort(search.neighbours, {}, [&](const Neighbour& each) {
    return each.id ? distance(search.key, *each.id) : InfoHash{};
  });
  const bool few = search.neighbours.size() <= kEarlyNodes;
  std::vector<Neighbour*> nearest;
  std::map<Prefix, std::size_t> alike;
  for (Neighbour& each : search.neighbours) {
    const bool answered = !each.token.empty();
    if (!answered && !each.passed_over && !few) return;
    if (answered && alike[place_of(each.endpoint.address)]++ < kEarlyNodesAlike)
      nearest.push_back(&each);
    if (nearest.size() == kEarlyNodes) break;
  }
  for (Neighbour* each : nearest) {
    if (!std::exchange(each->stored, true)) put(now, search, *each);
  }
}

void EarlyPut::put(TimePoint now, const Search& search, const Neighbour& neighbour) {
  const auto transaction = static_cast<std::uint32_t>(random_u64(random_));
  transmits_.push_back({neighbour.endpoint, encode({node_id_, search.key, search.value,
                                                    neighbour.token, transaction, network_})});
  await_answer({transaction, neighbour.endpoint, now, search.key, true});
}

void EarlyPut::handle_timeout(TimePoint now) {
  std::erase_if(searches_, [&](const Search& search) { return now >= search.ends_at; });
  if (searches_.empty()) awaited_.clear();
  for (Search& search : searches_) {
    pass_over(now, search);
    put_at_the_nearest(now, search);
  }
}

std::optional<TimePoint> EarlyPut::next_timeout() const {
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint at) { next = std::min(next.value_or(at), at); };
  for (const Search& search : searches_) {
    consider(search.ends_at);
    for (const Neighbour& each : search.neighbours) {
      if (!each.passed_over) consider(each.since + patience_of(search.slowest));
    }
  }
  return next;
}

std::optional<Transmit> EarlyPut::poll_transmit() {
  return take_front(transmits_);
}

}  // namespace kadwire::dht
