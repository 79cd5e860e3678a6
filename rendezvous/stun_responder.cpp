#include "rendezvous/stun_responder.h"

#include <algorithm>

namespace kadwire::rendezvous {
namespace {

constexpr std::uint16_t kUnknownAttribute = 420;
/// Header and XOR-MAPPED-ADDRESS, by family; OTHER-ADDRESS is as long as the latter.
constexpr std::size_t kAddressBytesV4 = 12;
constexpr std::size_t kAddressBytesV6 = 24;

std::size_t address_bytes(const Endpoint& endpoint) {
  return endpoint.address.is_v4() ? kAddressBytesV4 : kAddressBytesV6;
}

/// Where the answer is to go; nullopt: nowhere that we would send to.
std::optional<Endpoint> destination_of(const StunMessage& request, const Endpoint& from) {
  if (!request.find(StunAttributeType::kResponsePort)) return from;
  const auto port = request.response_port();
  if (!port || *port < kResponsePortMin) return std::nullopt;
  return Endpoint{from.address, *port};
}

Bytes unknown_attribute(const StunMessage& request, std::span<const std::uint16_t> unknown) {
  return StunWriter(StunClass::kError, kStunBinding, request.transaction)
      .error_code(kUnknownAttribute, {})
      .unknown_attributes(unknown)
      .take();
}

}  // namespace

std::optional<StunReply> StunResponder::handle_datagram(TimePoint now, const Endpoint& from,
                                                        const StunHome& home, ByteView datagram) {
  const auto request = parse_stun(datagram);
  if (!request) {
    ++stats_.malformed;
    return std::nullopt;
  }
  auto unknown = request->unknown_required();
  const auto source = source_of(home, request->change_request());
  // What cannot be done counts as not understood (RFC 5780 §6.1).
  if (!source) unknown.push_back(static_cast<std::uint16_t>(StunAttributeType::kChangeRequest));
  const auto to = destination_of(*request, from);
  if (!to) unknown.push_back(static_cast<std::uint16_t>(StunAttributeType::kResponsePort));
  const bool is_binding =
      request->message_class == StunClass::kRequest && request->method == kStunBinding;
  Bytes reply =
      unknown.empty() ? success(*request, from, home) : unknown_attribute(*request, unknown);
  const bool simple = unknown.empty() && to == from;
  const bool fits = simple || reply.size() <= datagram.size();
  if (!is_binding || !fits || from.port == 0) {
    ++stats_.ignored;
    return std::nullopt;
  }
  if (!within_rates(now, from.address)) return std::nullopt;
  if (!unknown.empty()) {
    ++stats_.refused;
    return StunReply{home.at, {from, std::move(reply)}};
  }
  remember(home);
  ++stats_.answered;
  if (*source != home.at) ++stats_.elsewhere;
  if (*to != from) ++stats_.redirected;
  return StunReply{*source, {*to, std::move(reply)}};
}

Bytes StunResponder::success(const StunMessage& request, const Endpoint& from,
                             const StunHome& home) const {
  StunWriter writer(StunClass::kSuccess, kStunBinding, request.transaction);
  writer.xor_mapped_address(from);
  const auto other = other_address(home);
  if (other) {
    const std::size_t size = kStunHeaderBytes + address_bytes(from) + address_bytes(*other);
    if (size <= request.datagram.size()) writer.other_address(*other);
  }
  return writer.take();
}

/// Where a request came to is ours beyond doubt, and strangers reach it.
void StunResponder::remember(const StunHome& home) {
  if (home.second_port == 0 || home.at.address.is_unspecified()) return;
  if (std::ranges::count(homes_, home.at, &StunHome::at) > 0) return;
  if (homes_.size() < kStunHomesMax) homes_.push_back(home);
}

/// Another address from which an answer gets as far as one from this: of the same family, and as
/// public.
const StunHome* StunResponder::other_home(const StunHome& home) const {
  const IpAddress& asked = home.at.address;
  const auto other = std::ranges::find_if(homes_, [&](const StunHome& each) {
    const IpAddress& address = each.at.address;
    return address != asked && address.family() == asked.family() &&
           address.is_private() == asked.is_private() &&
           address.is_loopback() == asked.is_loopback();
  });
  return other == homes_.end() ? nullptr : &*other;
}

/// nullopt: there is no such endpoint.
std::optional<Endpoint> StunResponder::source_of(const StunHome& home, StunChange change) const {
  if (change == StunChange{}) return home.at;
  if (home.second_port == 0) return std::nullopt;
  if (!change.address) return Endpoint{home.at.address, home.second_port};
  const StunHome* other = other_home(home);
  if (other == nullptr) return std::nullopt;
  return Endpoint{other->at.address, change.port ? other->second_port : other->at.port};
}

/// Where both changes lead, as the RFC has it; without another address, where the one does.
std::optional<Endpoint> StunResponder::other_address(const StunHome& home) const {
  if (home.at.address.is_unspecified()) return std::nullopt;
  const auto both = source_of(home, {.address = true, .port = true});
  return both ? both : source_of(home, {.address = false, .port = true});
}

bool StunResponder::within_rates(TimePoint now, const IpAddress& source) {
  if (!sources_.take(now, source)) {
    ++stats_.limited_by_source;
    return false;
  }
  if (!in_all_.take(now, rate_in_all_)) {
    ++stats_.limited_in_all;
    return false;
  }
  return true;
}

}  // namespace kadwire::rendezvous
