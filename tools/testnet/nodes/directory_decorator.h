#pragma once

/// A Directory around another, which it owns: sees every datagram and request before that one does,
/// and everything that comes out of it. Passes everything on; each kind overrides what it changes.

#include <memory>
#include <utility>

#include "dht/directory.h"

namespace kadwire::testnet {

class DirectoryDecorator : public dht::Directory {
 public:
  explicit DirectoryDecorator(std::unique_ptr<dht::Directory> inside)
      : inside_(std::move(inside)) {}

  void request(Now now, dht::DirectoryRequest request) override {
    inside_->request(now, std::move(request));
  }
  void set_bootstrap(Now now, std::span<const Endpoint> endpoints) override {
    inside_->set_bootstrap(now, endpoints);
  }
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) override {
    inside_->handle_datagram(now, from, datagram);
  }
  void handle_timeout(Now now) override { inside_->handle_timeout(now); }
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override {
    return inside_->next_timeout();
  }
  [[nodiscard]] std::optional<Transmit> poll_transmit() override {
    return inside_->poll_transmit();
  }
  [[nodiscard]] std::optional<dht::DirectoryEvent> poll_event() override {
    return inside_->poll_event();
  }
  [[nodiscard]] std::vector<dht::KnownNode> known_nodes() const override {
    return inside_->known_nodes();
  }
  [[nodiscard]] dht::DirectoryStats stats() const override { return inside_->stats(); }

 protected:
  [[nodiscard]] dht::Directory& inside() { return *inside_; }
  [[nodiscard]] const dht::Directory& inside() const { return *inside_; }

 private:
  std::unique_ptr<dht::Directory> inside_;
};

}  // namespace kadwire::testnet
