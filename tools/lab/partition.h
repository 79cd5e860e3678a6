#pragma once

/// Two hosts that cannot reach each other, though everybody else reaches both: the core drops what
/// travels between them, without a word to either.

#include <string>

#include "tools/lab/host.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {

/// Owns the partition: a destroyed one is mended.
class Partition {
 public:
  /// Both have addresses of the core's, so neither is behind a gateway. One for each two hosts.
  [[nodiscard]] static Expected<Partition> between(const Host& a, const Host& b);
  Partition(Partition&& other) noexcept;
  Partition& operator=(Partition&&) = delete;
  ~Partition();

  /// From now on they reach each other again.
  void mend();

 private:
  explicit Partition(std::string table) : table_(std::move(table)) {}
  std::string table_;  ///< of nft, in the core; empty: mended, or moved away
};

}  // namespace kadwire::lab
