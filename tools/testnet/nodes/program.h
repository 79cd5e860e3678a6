#pragma once

/// Something that runs on a simulated host and can be started and stopped.

#include <cstdint>
#include <optional>
#include <string>

#include "dht/directory.h"

namespace kadwire::testnet {

class Program {
 public:
  virtual ~Program() = default;
  /// It must not run. What it saved when it last ran is still there.
  virtual void start() = 0;
  /// In good order; it may go on for a moment.
  virtual void leave() = 0;
  /// SIGKILL.
  virtual void crash() = 0;
  /// The whole host lost its power.
  virtual void cut_power() { crash(); }
  [[nodiscard]] virtual bool running() const = 0;
  /// The host's addresses changed.
  virtual void addresses_changed() {}
  /// A rule of the simulation that it breaks, in one sentence; nullopt: none. Looked at after every
  /// event on its host.
  [[nodiscard]] virtual std::optional<std::string> violation() const { return std::nullopt; }
  [[nodiscard]] virtual dht::DirectoryStats dht_stats() const { return {}; }
};

}  // namespace kadwire::testnet
