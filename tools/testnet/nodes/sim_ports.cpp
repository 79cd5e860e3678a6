#include "tools/testnet/nodes/sim_ports.h"

#include <utility>

namespace kadwire::testnet {

void SimScheduler::wake_at(TimePoint when, std::function<void()> wake) {
  wake_ = std::move(wake);
  due_ = when;
  if (!armed_ || due_ < *armed_) arm();
}

void SimScheduler::arm() {
  const TimePoint now = host_.now().steady;
  armed_ = std::max(due_, now);
  lifetime_.renew();
  host_.after(*armed_ - now, lifetime_.guard([this] { fire(); }));
}

void SimScheduler::fire() {
  armed_.reset();
  if (!wake_) return;
  if (host_.now().steady < due_) return arm();
  const auto wake = std::exchange(wake_, nullptr);
  wake();
}

void SimMonitor::start(Handler handler) {
  handler_ = std::move(handler);
  announce();
}

void SimMonitor::announce() {
  host_.after(0s, lifetime_.guard([this] {
    node::NetworkState state;
    for (const Prefix& prefix : host_.internet().addresses(host_.id())) {
      rendezvous::LocalAddress address;
      address.prefix = prefix;
      address.interface = "eth0";
      state.addresses.push_back(std::move(address));
    }
    handler_(state);
  }));
}

}  // namespace kadwire::testnet
