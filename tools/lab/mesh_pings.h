#pragma once

/// Every member pings every other over the mesh's IPv4 and IPv6, from the moment the other's
/// addresses are known: how long after its own start does each reach each?

#include <functional>
#include <optional>
#include <vector>

#include "node/base/time.h"
#include "tools/lab/mesh.h"
#include "tools/lab/ping_board.h"

namespace kadwire::lab {

class MeshPings {
 public:
  /// The members, all of them started; they must outlive this object.
  explicit MeshPings(std::vector<Member*> members);

  [[nodiscard]] const std::vector<Member*>& members() const { return members_; }
  /// As the member itself last told; nullopt: it has not yet.
  [[nodiscard]] const std::optional<MeshAddresses>& addresses(std::size_t member) const;

  /// Pings until every pair has answered or the time is over; whether every pair has. `progress` is
  /// called about every 50 ms.
  bool run(Duration at_most, const std::function<void()>& progress);

  /// From `from`'s start to the first answer of `to`; nullopt: none yet.
  [[nodiscard]] std::optional<Duration> first_ping(std::size_t from, std::size_t to,
                                                   AddressFamily family) const;
  /// Until both families answered.
  [[nodiscard]] std::optional<Duration> first_ping(std::size_t from, std::size_t to) const;
  /// Of `pairs_total()`, each family counted for itself.
  [[nodiscard]] std::size_t pairs_answered() const;
  [[nodiscard]] std::size_t pairs_total() const;
  /// An error that kept pings from being sent at all, or a daemon that ended.
  [[nodiscard]] const std::optional<LabError>& failure() const { return failure_; }

 private:
  using Flow = std::optional<PingBoard::FlowId>;
  [[nodiscard]] std::size_t index(std::size_t from, std::size_t to, AddressFamily family) const;
  void refresh_addresses();
  void aim_at(std::size_t target);
  void aim(std::size_t from, std::size_t to, const IpAddress& address);
  void check_daemons();

  std::vector<Member*> members_;
  std::vector<std::optional<MeshAddresses>> addresses_;
  std::vector<Flow> flows_;
  PingBoard board_;
  std::optional<LabError> failure_;
};

}  // namespace kadwire::lab
