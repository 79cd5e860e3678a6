#pragma once

/// Datagrams as OpenDHT's nodes send them, for tests of what meddles with them.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "dht/directory.h"

namespace kadwire::testing {

using nlohmann::json;

inline Bytes packed(const json& fields) {
  const std::vector<std::uint8_t> bytes = json::to_msgpack(fields);
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  return {begin, begin + bytes.size()};
}

inline json unpacked(ByteView datagram) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(datagram.data());
  return json::from_msgpack(begin, begin + datagram.size());
}

inline json binary_of(std::size_t size, std::uint8_t byte) {
  return json::binary(std::vector<std::uint8_t>(size, byte));
}

/// An id all of whose bytes are `byte`.
inline dht::InfoHash hash_of(unsigned char byte) {
  dht::InfoHash hash{};
  hash.fill(static_cast<std::byte>(byte));
  return hash;
}

/// From the node 0x11…, with transaction 7, about the key 0x22….
inline json request(const std::string& method) {
  json body{{"id", binary_of(20, 0x11)}};
  if (method == "find") body["target"] = binary_of(20, 0x22);
  if (method != "find" && method != "ping") body["h"] = binary_of(20, 0x22);
  return {{"a", body}, {"q", method}, {"t", 7}, {"y", "q"}, {"v", "RNG1"}};
}

/// One value with the id 99.
inline json put() {
  json fields = request("put");
  const json body{{"data", binary_of(560, 0x33)}, {"type", 3}};
  fields["a"]["values"] = json::array({{{"id", 99}, {"dat", {{"body", body}}}}});
  fields["a"]["token"] = binary_of(32, 0x44);
  return fields;
}

/// To a get, from the node 0x55…: one value, and one node of each family.
inline json reply_to_get() {
  const json body{{"data", binary_of(560, 0x33)}, {"type", 3}};
  json reply{{"id", binary_of(20, 0x55)},
             {"n4", binary_of(26, 0x66)},
             {"n6", binary_of(38, 0x66)},
             {"token", binary_of(32, 0x44)},
             {"values", json::array({{{"id", 99}, {"dat", {{"body", body}}}}})}};
  return {{"r", reply}, {"t", 7}, {"y", "r"}, {"v", "RNG1"}};
}

}  // namespace kadwire::testing
