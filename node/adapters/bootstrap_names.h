#pragma once

/// Turns the bootstrap hosts into endpoints, again and again: names change, and a name server that
/// does not answer now may answer in a minute. Never fatal, never blocking.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <functional>
#include <string>
#include <vector>

#include "node/adapters/resolver.h"
#include "node/bootstrap_host.h"

namespace kadwire::node {

/// After a round in which some name did not resolve.
inline constexpr auto kResolveRetry = std::chrono::seconds(15);
/// Names of bootstrap hosts move rarely.
inline constexpr auto kResolveRefresh = std::chrono::minutes(30);

class BootstrapNames {
 public:
  /// Every endpoint known so far, and why a name gave none (empty: all did).
  using Handler = std::function<void(std::vector<Endpoint> endpoints, std::string problem)>;

  /// `context` outlives this object; `handler` runs on its thread, after each round.
  BootstrapNames(asio::io_context& context, std::vector<BootstrapHost> hosts, Handler handler);
  void start();

 private:
  void resolve_all();
  void on_result(std::size_t host, Resolver::Result result);
  void finish_round();

  Resolver resolver_;
  asio::steady_timer timer_;
  std::vector<BootstrapHost> hosts_;
  std::vector<std::vector<Endpoint>> endpoints_;  ///< by host; the last answer that had any
  std::string problem_;
  std::size_t pending_ = 0;
  Handler handler_;
};

}  // namespace kadwire::node
