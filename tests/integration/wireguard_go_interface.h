#pragma once

/// One wireguard-go interface on a host of the lab, asked and told over its UAPI socket. Everything
/// that fails is a std::runtime_error: the test cannot go on.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/node_identity.h"
#include "node/adapters/uapi_codec.h"
#include "tools/lab/host.h"
#include "tools/lab/process.h"

namespace kadwire::lab {

class WireguardGoInterface {
 public:
  /// Starts the process and does not wait for it, so that many can start at once.
  WireguardGoInterface(const Host& host, const std::string& name);
  /// Waits until the process listens, and gives it its key and port; the port is bound then.
  void configure(const crypto::NodeIdentity& identity, std::uint16_t listen_port);
  /// Gives the interface this address and sets it up.
  void set_up(const Prefix& address) const;

  void apply(const std::vector<node::PeerChange>& changes) const;
  [[nodiscard]] node::UapiDevice status() const;
  [[nodiscard]] const crypto::WireguardKey& key() const { return key_; }

 private:
  /// Looks again and again; `what` it does then is for the error.
  void wait_until(const char* what, const std::function<bool()>& done) const;

  const Host& host_;
  std::string name_;
  std::string socket_;  ///< of the UAPI, as seen from the lab
  crypto::WireguardKey key_;
  std::unique_ptr<Process> process_;
};

}  // namespace kadwire::lab
