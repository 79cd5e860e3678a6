#pragma once

/// Everybody in a simulated world: the hosts that a scenario's groups ask for, plugged into the
/// internet, each with its program. Not here: what happens to them (conductor.h).

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tools/testnet/internet/internet.h"
#include "tools/testnet/nodes/member_node.h"
#include "tools/testnet/nodes/member_watch.h"
#include "tools/testnet/nodes/mesh_truth.h"
#include "tools/testnet/scenario/scenario.h"

namespace kadwire::testnet {

/// Index into Population::all().
using Index = std::uint32_t;

struct Inhabitant {
  std::string name;  ///< "homes[3]"; a group of one: "bootstrap"
  const Group* group = nullptr;
  std::size_t number = 0;  ///< within its group
  std::string city;
  std::unique_ptr<SimHost> host;
  std::unique_ptr<Program> program;    ///< destroyed before its host
  MemberNode* member = nullptr;        ///< `program`, if it is an honest member
  std::unique_ptr<MemberWatch> watch;  ///< over `member`
  bool switched = false;               ///< plugged into the group's other network
};

class Population {
 public:
  /// All outlive the population. Starts nothing.
  Population(const Scenario& scenario, std::uint64_t seed, EventQueue& queue, Internet& internet,
             const SimMesh& mesh);
  ~Population();

  [[nodiscard]] std::span<Inhabitant> all() { return inhabitants_; }
  [[nodiscard]] std::span<const Inhabitant> all() const { return inhabitants_; }
  [[nodiscard]] Inhabitant& operator[](Index index) { return inhabitants_[index]; }
  /// The honest members, in order.
  [[nodiscard]] const std::vector<Index>& members() const { return members_; }
  /// Those the selector means, in order; a share is drawn from `random`.
  [[nodiscard]] std::vector<Index> select(const Selector& selector, SeededRandom& random) const;
  /// Plugs the host in where the group says: its first or its other network.
  void plug_in(Inhabitant& inhabitant, bool other);

 private:
  [[nodiscard]] GatewayId gateway(const std::string& name, const std::string& link, std::size_t box,
                                  const std::string& city);
  [[nodiscard]] InterfaceOptions network(const Inhabitant& inhabitant, bool other);
  void settle(const Group& group, std::size_t number);
  void employ(Inhabitant& inhabitant, const SimMesh& mesh, Index index);
  void employ_member(Inhabitant& inhabitant, const SimMesh& mesh, std::uint64_t seed);
  [[nodiscard]] std::unique_ptr<Program> make_hostile(Inhabitant& inhabitant, const SimMesh& mesh,
                                                      std::uint64_t seed);
  [[nodiscard]] std::vector<Endpoint> bootstrap_endpoints() const;

  const Scenario& scenario_;
  const std::uint64_t seed_;
  EventQueue& queue_;
  Internet& internet_;
  MeshTruth truth_;
  std::vector<Inhabitant> inhabitants_;
  std::vector<Index> members_;
  std::vector<Endpoint> bootstrap_;
  /// Boxes by gateway name, city and number.
  std::map<std::tuple<std::string, std::string, std::size_t>, GatewayId> boxes_;
};

}  // namespace kadwire::testnet
