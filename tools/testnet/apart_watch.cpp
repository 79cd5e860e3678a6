#include "tools/testnet/apart_watch.h"

namespace kadwire::testnet {
namespace {

void keep_longer(std::optional<ApartWatch::Separation>& longest,
                 const ApartWatch::Separation& other) {
  if (!longest || other.lasted > longest->lasted) longest = other;
}

}  // namespace

void ApartWatch::begin(Index a, Index b, Duration at) {
  since_.emplace(std::pair(a, b), at);
}

void ApartWatch::end(Index a, Index b, Duration at) {
  const auto began = since_.extract({a, b});
  if (began) keep_longer(longest_, {a, b, began.mapped(), at - began.mapped()});
}

std::optional<ApartWatch::Separation> ApartWatch::longest(Duration now) const {
  auto longest = longest_;
  for (const auto& [pair, began] : since_) {
    keep_longer(longest, {pair.first, pair.second, began, now - began});
  }
  return longest;
}

}  // namespace kadwire::testnet
