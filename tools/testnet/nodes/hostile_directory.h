#pragma once

/// The faces of hostile DHT nodes, each around a real one, which keeps them in everybody's routing
/// tables: it answers pings and names nodes as an honest one does.

#include <deque>
#include <optional>

#include "node/base/random.h"
#include "tools/testnet/nodes/dht_message.h"
#include "tools/testnet/nodes/directory_decorator.h"

namespace kadwire::testnet {

/// Confirmations waiting to be sent; one is polled after each datagram.
inline constexpr std::size_t kForgedRepliesMax = 64;
/// Nodes invented for a reply, of each family: as many as OpenDHT names.
inline constexpr std::size_t kInventedNodes = 8;

/// Answers pings and says whom it knows; every other request was never received.
class DroppingDirectory final : public DirectoryDecorator {
 public:
  using DirectoryDecorator::DirectoryDecorator;
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) override;
};

/// Confirms every put and keeps nothing, so that it has no values for anyone.
class SwallowingDirectory : public DirectoryDecorator {
 public:
  /// `id` is that of the node inside.
  SwallowingDirectory(std::unique_ptr<dht::Directory> inside, const dht::InfoHash& id)
      : DirectoryDecorator(std::move(inside)), id_(id) {}
  void handle_datagram(Now now, const Endpoint& from, ByteView datagram) final;
  [[nodiscard]] std::optional<Transmit> poll_transmit() override;

 protected:
  /// A request that is no put, before the node inside sees it.
  virtual void note_request(const Endpoint& /*from*/, const DhtMessage& /*request*/) {}

 private:
  dht::InfoHash id_;
  std::deque<Transmit> forged_;
};

/// Swallows puts too, and whoever asks for nodes or values is sent after nodes that do not exist,
/// each closer to what it looks for than any real one.
class LyingDirectory final : public SwallowingDirectory {
 public:
  /// `random` outlives this object.
  LyingDirectory(std::unique_ptr<dht::Directory> inside, const dht::InfoHash& id,
                 RandomSource& random)
      : SwallowingDirectory(std::move(inside), id), random_(random) {}
  [[nodiscard]] std::optional<Transmit> poll_transmit() override;

 private:
  void note_request(const Endpoint& from, const DhtMessage& request) override;
  void falsify(Transmit& transmit);

  struct Asked {
    Endpoint from;
    DhtMessage request;
  };
  RandomSource& random_;
  std::optional<Asked> asked_;  ///< the last request: the node inside answers at once or not at all
};

/// A public address that nobody in the simulated internet has.
[[nodiscard]] IpAddress unassigned_address(AddressFamily family, RandomSource& random);
/// The id that `random` chooses among those that share the first eight bytes with `target`: closer
/// than any that came about by chance.
[[nodiscard]] dht::InfoHash id_next_to(const dht::InfoHash& target, RandomSource& random);

}  // namespace kadwire::testnet
