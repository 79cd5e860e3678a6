#include "tools/testnet/nodes/hostile_dht.h"

#include <cassert>
#include <utility>

#include "tools/testnet/nodes/hostile_directory.h"

namespace kadwire::testnet {
namespace {

using Bare = HostileNode::Bare;
using Face = std::unique_ptr<dht::Directory>;

HostileNode::Disguise disguise_of(Role role, const TopicByHour& topic) {
  switch (role) {
    case Role::kDropper:
      return [](Bare bare) -> Face {
        return std::make_unique<DroppingDirectory>(std::move(bare.directory));
      };
    case Role::kLiar:
      return [](Bare bare) -> Face {
        return std::make_unique<LyingDirectory>(std::move(bare.directory), bare.id, bare.random);
      };
    case Role::kSybil:
      return [](Bare bare) -> Face {
        return std::make_unique<SwallowingDirectory>(std::move(bare.directory), bare.id);
      };
    default:
      assert(role == Role::kHashFlooder);
      return [topic](Bare bare) -> Face {
        auto flooder = std::make_unique<HashFlooder>(bare.now, topic, bare.random);
        return std::make_unique<UsedDirectory>(bare.now, std::move(bare.directory),
                                               std::move(flooder));
      };
  }
}

}  // namespace

std::unique_ptr<Program> make_hostile_dht(Role role, SimHost& host, std::vector<Endpoint> bootstrap,
                                          std::uint64_t seed, TopicByHour topic) {
  HostileNode::Options options{std::move(bootstrap), seed};
  if (role == Role::kSybil) {
    options.nodes = kSybilNodes;
    options.moves_every_hour = true;
    options.choose_id = [topic](Now now, RandomSource& random) {
      return id_next_to(topic(hour_of(now.wall)), random);
    };
  }
  return std::make_unique<HostileNode>(host, std::move(options), disguise_of(role, topic));
}

}  // namespace kadwire::testnet
