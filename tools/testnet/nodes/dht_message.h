#pragma once

/// A datagram of OpenDHT's, taken apart just far enough to be hostile with. The grammar is
/// dht/packet_guard.h's, which also bounds what is decoded here: one msgpack map with a request
/// (`a`, its name in `q`), a reply (`r`) or something else. Not here: values, fragments, tokens.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "dht/directory.h"
#include "node/base/bytes.h"

namespace kadwire::testnet {

class DhtMessage {
 public:
  enum class Kind : std::uint8_t {
    kRequest,
    kReply,
    kOther,  ///< pushed values, fragments, errors
  };

  /// nullopt for whatever packet_guard refuses.
  [[nodiscard]] static std::optional<DhtMessage> decode(ByteView datagram);
  [[nodiscard]] Bytes encode() const;

  [[nodiscard]] Kind kind() const { return kind_; }
  /// "ping", "find", "get", "listen", "put", "refresh" and whatever newer nodes ask; empty: it is
  /// no request.
  [[nodiscard]] std::string method() const;
  /// The id of the node that sent it; nullopt for fragments.
  [[nodiscard]] std::optional<dht::InfoHash> sender() const;
  /// The key that a request is about; nullopt: about none.
  [[nodiscard]] std::optional<dht::InfoHash> target() const;
  /// Whether `reply` answers this request, as far as the transaction tells.
  [[nodiscard]] bool is_answered_by(const DhtMessage& reply) const;

  /// Puts these nodes, of both families, in place of those that the message names. A message that
  /// names none still names none.
  void replace_nodes(std::span<const dht::KnownNode> nodes);
  /// Leaves out values, their fields and what is said of their expiry.
  void remove_values();

  /// The reply of the node `id` that says to the request's sender, at `to`, that its value is
  /// stored. nullopt: this asks for nothing to be stored.
  [[nodiscard]] std::optional<DhtMessage> confirmation(const dht::InfoHash& id,
                                                       const Endpoint& to) const;

 private:
  DhtMessage(Kind kind, nlohmann::json fields) : kind_(kind), fields_(std::move(fields)) {}
  /// nullptr: there is none.
  [[nodiscard]] const nlohmann::json* body() const;
  [[nodiscard]] std::optional<dht::InfoHash> hash_in_body(const char* name) const;

  Kind kind_;
  nlohmann::json fields_;
};

}  // namespace kadwire::testnet
