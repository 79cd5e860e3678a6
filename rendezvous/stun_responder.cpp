#include "rendezvous/stun_responder.h"

#include "rendezvous/stun_message.h"

namespace kadwire::rendezvous {
namespace {

constexpr std::uint16_t kUnknownAttribute = 420;

Bytes success(const StunMessage& request, const Endpoint& from) {
  return StunWriter(StunClass::kSuccess, kStunBinding, request.transaction)
      .xor_mapped_address(from)
      .take();
}

Bytes unknown_attribute(const StunMessage& request, std::span<const std::uint16_t> unknown) {
  return StunWriter(StunClass::kError, kStunBinding, request.transaction)
      .error_code(kUnknownAttribute, {})
      .unknown_attributes(unknown)
      .take();
}

}  // namespace

std::optional<Transmit> StunResponder::handle_datagram(TimePoint now, const Endpoint& from,
                                                       ByteView datagram) {
  const auto request = parse_stun(datagram);
  if (!request) {
    ++stats_.malformed;
    return std::nullopt;
  }
  const auto unknown = request->unknown_required();
  const bool is_binding =
      request->message_class == StunClass::kRequest && request->method == kStunBinding;
  Bytes reply = unknown.empty() ? success(*request, from) : unknown_attribute(*request, unknown);
  const bool fits = unknown.empty() || reply.size() <= datagram.size();
  if (!is_binding || !fits || from.port == 0) {
    ++stats_.ignored;
    return std::nullopt;
  }
  if (!within_rates(now, from.address)) return std::nullopt;
  ++(unknown.empty() ? stats_.answered : stats_.refused);
  return Transmit{from, std::move(reply)};
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
