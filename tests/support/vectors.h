#pragma once

/// Known answers from tests/vectors. A missing or malformed file ends the test with an exception
/// that names it: a vector that was not read proves nothing.

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "node/base/bytes.h"

namespace kadwire::testing {

/// The file `name` of tests/vectors, for example "rfc5869.json".
[[nodiscard]] inline nlohmann::json load_vectors(const std::string& name) {
  std::ifstream file(std::string(KADWIRE_VECTORS) + "/" + name);
  if (!file) throw std::runtime_error("cannot open the vectors " + name);
  return nlohmann::json::parse(file);
}

/// The list `key` of a file, by value: a loop over a part of a temporary would read freed memory.
[[nodiscard]] inline nlohmann::json load_vector_list(const std::string& name,
                                                     const std::string& key) {
  nlohmann::json list = load_vectors(name).at(key);
  if (!list.is_array() || list.empty()) throw std::runtime_error("no vectors in " + name);
  return list;
}

/// The bytes that a hexadecimal text of a vector stands for.
[[nodiscard]] inline Bytes hex_bytes(const nlohmann::json& text) {
  auto bytes = from_hex(text.get<std::string>());
  if (!bytes) throw std::runtime_error("a vector is not hexadecimal");
  return *bytes;
}

template <std::size_t N>
[[nodiscard]] ByteArray<N> hex_array(const nlohmann::json& text) {
  const auto array = to_array<N>(hex_bytes(text));
  if (!array) throw std::runtime_error("a vector has the wrong length");
  return *array;
}

}  // namespace kadwire::testing
