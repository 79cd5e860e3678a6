#pragma once

/// Everything that happened in a run, as one number: two runs with the same hash were the same,
/// packet for packet. On demand also as text, one line each, for people and for diff.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "node/base/time.h"
#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

class Trace {
 public:
  /// Writes no file until asked.
  Trace() = default;
  /// "-" is stdout. False if the file cannot be made, which errno tells more of.
  [[nodiscard]] bool open(const std::string& path);
  /// Ends the file. False if it does not hold everything, which errno tells more of: after the
  /// first line that could not be written nothing more is.
  [[nodiscard]] bool close();

  void add_packet(Duration at, std::string_view sender, const Packet& packet, Drop fate);
  void add_event(Duration at, std::string_view text);
  /// 16 hexadecimal digits over everything so far.
  [[nodiscard]] std::string hash() const;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void write(std::string_view line);
  void add(std::uint64_t word);
  void add(ByteView bytes);
  std::uint64_t hash_ = 0;
  std::unique_ptr<std::FILE, CloseFile> file_;
  int problem_ = 0;  ///< errno of the first line that could not be written
};

}  // namespace kadwire::testnet
