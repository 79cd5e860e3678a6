#include "node/adapters/bootstrap_names.h"

namespace kadwire::node {

BootstrapNames::BootstrapNames(asio::io_context& context, std::vector<BootstrapHost> hosts,
                               Handler handler)
    : resolver_(context),
      timer_(context),
      hosts_(std::move(hosts)),
      endpoints_(hosts_.size()),
      handler_(std::move(handler)) {}

void BootstrapNames::start() {
  if (!hosts_.empty()) resolve_all();
}

void BootstrapNames::resolve_all() {
  problem_.clear();
  pending_ = hosts_.size();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    resolver_.resolve(hosts_[i].host, hosts_[i].port, [this, i](Resolver::Result result) {
      on_result(i, std::move(result));
    });
  }
}

void BootstrapNames::on_result(std::size_t host, Resolver::Result result) {
  if (result) {
    endpoints_[host] = std::move(*result);
  } else {
    problem_ = result.error().message;
  }
  if (--pending_ == 0) finish_round();
}

void BootstrapNames::finish_round() {
  std::vector<Endpoint> all;
  for (const auto& some : endpoints_) all.insert(all.end(), some.begin(), some.end());
  timer_.expires_after(problem_.empty() ? std::chrono::seconds(kResolveRefresh) : kResolveRetry);
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) resolve_all();
  });
  handler_(std::move(all), problem_);
}

}  // namespace kadwire::node
