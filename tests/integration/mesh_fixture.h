#pragma once

/// What the tests of whole meshes share: a bootstrap host, members, and waiting for what they do.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/lab_fixture.h"
#include "tools/lab/mesh.h"
#include "tools/lab/mesh_pings.h"

namespace kadwire::lab {

/// Long enough for a mesh to form on a busy machine under a sanitizer; a mesh that needs it all has
/// failed in a way that more time does not heal.
inline constexpr auto kMeshTimeMax = 30s;

/// What a daemon writes once it has its sockets and its WireGuard interface.
inline constexpr const char* kNodeUp = " node up ";

/// What the members' daemons wrote of how they called each other, and when: two that dialled at
/// once and waited for WireGuard's next handshake are told from two that were slow.
inline std::string calls_of(const std::vector<Member*>& members) {
  std::string calls;
  for (const Member* member : members) {
    calls += member->name() + ":\n";
    std::istringstream log(member->log());
    for (std::string line; std::getline(log, line);) {
      const auto says = [&](const char* what) { return line.find(what) != std::string::npos; };
      if (says(kNodeUp) || says(" dial ") || says(" path ") || says(" tunnel ")) {
        calls += "  " + line + '\n';
      }
    }
  }
  return calls;
}

class MeshTest : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (!IsSkipped()) mesh_ = must(Mesh::create(lab()));
  }

  Mesh& mesh() { return *mesh_; }

  Member& add(MemberOptions options = {}) { return *must(mesh_->add_member(std::move(options))); }

  std::vector<Member*> add_many(std::size_t count, const MemberOptions& options = {}) {
    std::vector<Member*> members;
    while (members.size() < count) members.push_back(&add(options));
    return members;
  }

  static void start_all(const std::vector<Member*>& members) {
    for (Member* member : members) must(member->start());
  }

  /// Whether `condition` came true in time. Pings of `board()` go on meanwhile.
  bool eventually(const std::function<bool()>& condition, Duration at_most = kMeshTimeMax) {
    return board_.run_until(condition, at_most);
  }

  /// Waits until the daemons, which were started, are up; the test ends if they do not come up. How
  /// long programs take to start is the machine's affair: a time that kadwire promises begins here.
  void await_up(const std::vector<Member*>& members) {
    const auto is_up = [](const Member* member) {
      return member->log().find(kNodeUp) != std::string::npos;
    };
    if (eventually([&] { return std::ranges::all_of(members, is_up); })) return;
    throw std::runtime_error("not all daemons come up");
  }

  /// Starts them at once and waits until every pair answers over both families.
  void form(const std::vector<Member*>& members) {
    start_all(members);
    expect_full_mesh(members);
  }

  void expect_full_mesh(const std::vector<Member*>& members) {
    MeshPings pings(members);
    const bool formed = pings.run(kMeshTimeMax, [] {});
    EXPECT_TRUE(formed) << pings.pairs_answered() << " of " << pings.pairs_total()
                        << " pings answered; "
                        << (pings.failure() ? pings.failure()->message : "all daemons run");
  }

  /// The member's addresses; the daemon must be up.
  static MeshAddresses addresses_of(const Member& member) {
    const auto addresses = member.addresses();
    if (!addresses) throw std::runtime_error(member.name() + " does not tell its addresses");
    return *addresses;
  }

  /// Pings `to`'s mesh IPv6 address from `from`, from now on and for good.
  PingBoard::FlowId ping(const Member& from, const Member& to) {
    return must(board_.add(from.host(), addresses_of(to).ipv6, PingBoard::Until::kForever));
  }

  PingBoard& board() { return board_; }

 private:
  std::unique_ptr<Mesh> mesh_;
  PingBoard board_;
};

/// Sanitizers make everything a few times slower: times are asserted without them only.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 5;
#else
inline constexpr int kSlowdown = 1;
#endif

}  // namespace kadwire::lab
