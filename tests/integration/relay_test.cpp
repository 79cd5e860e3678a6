/// A member that relays for two others, with real sockets and real WireGuard.

#include <string>
#include <vector>

#include "tests/integration/mesh_fixture.h"
#include "tools/lab/bulk.h"
#include "tools/lab/partition.h"

namespace kadwire::lab {
namespace {

/// The relay's rate, in Mbit/s: a small part of what it carries without.
constexpr unsigned kRate = 4;
/// More than the relay saves up while it carries nothing.
constexpr auto kWarmUp = 3s;
constexpr auto kMeasured = 4s;

TEST_F(MeshTest, ARelayCarriesNoMoreThanItsOperatorLets) {
  must(mesh().start_bootstrap());
  Member& relay = add({.arguments = {"--relay-rate", std::to_string(kRate)}});
  Member& from = add({.arguments = {"--no-relay"}});
  Member& to = add({.arguments = {"--no-relay"}});
  const Partition partition = must(Partition::between(from.host(), to.host()));
  form({&relay, &from, &to});
  const MeshAddresses addresses = addresses_of(to);
  ASSERT_TRUE(eventually([&] { return from.path_to(addresses.node) == "relayed"; }));
  BulkFlow flow = must(BulkFlow::start(from.host(), to.host(), addresses.ipv6, kWarmUp));
  const Bulk bulk = must(flow.run(kMeasured));
  const double megabits = bulk.bits_per_second() / 1e6;
  EXPECT_GT(megabits, 0.1);
  EXPECT_LE(megabits, kRate);
  RecordProperty("mbit_per_s", std::to_string(megabits));
}

}  // namespace
}  // namespace kadwire::lab
