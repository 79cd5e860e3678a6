#pragma once

/// Somebody on a DHT node who puts, gets and listens of its own accord. Sans-IO, shaped as
/// dht/announcer.h and dht/listener.h are.

#include <memory>
#include <optional>
#include <utility>

#include "tools/testnet/nodes/directory_decorator.h"

namespace kadwire::testnet {

class DirectoryUser {
 public:
  virtual ~DirectoryUser() = default;
  virtual void handle_event(Now now, const dht::DirectoryEvent& event) = 0;
  virtual void handle_timeout(Now now) = 0;
  [[nodiscard]] virtual std::optional<TimePoint> next_timeout() const = 0;
  [[nodiscard]] virtual std::optional<dht::DirectoryRequest> poll_request() = 0;
};

/// A directory together with its user, who hears of every event and whose requests it makes.
class UsedDirectory final : public DirectoryDecorator {
 public:
  UsedDirectory(Now now, std::unique_ptr<dht::Directory> inside,
                std::unique_ptr<DirectoryUser> user)
      : DirectoryDecorator(std::move(inside)), user_(std::move(user)), now_(now) {
    serve();
  }
  void set_bootstrap(Now now, std::span<const Endpoint> endpoints) override {
    now_ = now;
    inside().set_bootstrap(now, endpoints);
  }
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) override {
    now_ = now;
    inside().handle_datagram(now, from, datagram);
  }
  void handle_timeout(Now now) override {
    now_ = now;
    const auto due = user_->next_timeout();
    if (due && now.steady >= *due) user_->handle_timeout(now);
    serve();
    inside().handle_timeout(now);
  }
  [[nodiscard]] std::optional<TimePoint> next_timeout() const override {
    const auto own = inside().next_timeout();
    const auto users = user_->next_timeout();
    return own && users ? std::min(*own, *users) : own ? own : users;
  }
  [[nodiscard]] std::optional<dht::DirectoryEvent> poll_event() override {
    auto event = inside().poll_event();
    if (event) user_->handle_event(now_, *event);
    if (event) serve();
    return event;
  }

 private:
  void serve() {
    while (auto request = user_->poll_request()) inside().request(now_, std::move(*request));
  }
  std::unique_ptr<DirectoryUser> user_;
  Now now_;  ///< of the last call: events carry no time
};

}  // namespace kadwire::testnet
