#pragma once

/// A directory that only keeps what it was given, for tests of what stands around one.

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "dht/directory.h"
#include "node/base/queue.h"

namespace kadwire::testing {

/// What went in, and what is to come out. Outlives the directory.
struct StubDirectoryLog {
  std::vector<Bytes> datagrams;
  std::vector<dht::DirectoryRequest> requests;
  std::deque<Transmit> transmits;
};

class StubDirectory final : public dht::Directory {
 public:
  explicit StubDirectory(StubDirectoryLog& log) : log_(log) {}
  void request(Now, dht::DirectoryRequest request) override {
    log_.requests.push_back(std::move(request));
  }
  void set_bootstrap(Now, std::span<const Endpoint>) override {}
  void handle_datagram(Now, const Endpoint&, ByteView datagram) override {
    log_.datagrams.emplace_back(datagram.begin(), datagram.end());
  }
  void handle_timeout(Now) override {}
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override { return std::nullopt; }
  [[nodiscard]] std::optional<Transmit> poll_transmit() override {
    return take_front(log_.transmits);
  }
  [[nodiscard]] std::optional<dht::DirectoryEvent> poll_event() override { return std::nullopt; }
  [[nodiscard]] std::vector<dht::KnownNode> known_nodes() const override { return {}; }
  [[nodiscard]] dht::DirectoryStats stats() const override { return {}; }

 private:
  StubDirectoryLog& log_;
};

}  // namespace kadwire::testing
