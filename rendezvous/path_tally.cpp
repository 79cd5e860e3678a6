#include "rendezvous/path_tally.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace kadwire::rendezvous {

std::uint64_t PathTally::chosen() const {
  const auto first = changes.begin() + static_cast<std::ptrdiff_t>(PathCause::kFirst);
  const auto last = changes.begin() + static_cast<std::ptrdiff_t>(PathCause::kOperator);
  return std::accumulate(first, last + 1, std::uint64_t{0});
}

std::uint64_t PathTally::swapped() const {
  return of(PathCause::kFaster) + of(PathCause::kPreferred) + of(PathCause::kRoomier);
}

PathTally& PathTally::operator+=(const PathTally& other) {
  std::ranges::transform(changes, other.changes, changes.begin(), std::plus<>());
  return *this;
}

std::string_view name_of(PathCause cause) {
  switch (cause) {
    case PathCause::kNone:
      return "none";
    case PathCause::kFirst:
      return "first";
    case PathCause::kDirect:
      return "direct";
    case PathCause::kFaster:
      return "faster";
    case PathCause::kPreferred:
      return "preferred";
    case PathCause::kRoomier:
      return "roomier";
    case PathCause::kPeerChose:
      return "peer-chose";
    case PathCause::kReserve:
      return "reserve";
    case PathCause::kRepeated:
      return "repeated";
    case PathCause::kOperator:
      return "operator";
    case PathCause::kSilent:
      return "silent";
    case PathCause::kPeerLostIt:
      return "peer-lost-it";
    case PathCause::kOwnMove:
      return "own-move";
    case PathCause::kPeerMove:
      return "peer-move";
  }
  return "none";
}

}  // namespace kadwire::rendezvous
