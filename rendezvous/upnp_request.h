#pragma once

/// What port_mapping wants done by UPnP, whose HTTP and XML are an adapter's task
/// (node/ports/port_mapper.h), and what came of it.

#include <chrono>
#include <cstdint>
#include <optional>

#include <tl/expected.hpp>

#include "node/base/endpoint.h"

namespace kadwire::rendezvous {

enum class UpnpAction : std::uint8_t {
  kMap,    ///< add, or renew
  kUnmap,  ///< no result is waited for
  kLook,   ///< changes nothing: the grant says only what the gateway has for an address
};

struct UpnpRequest {
  std::uint64_t id = 0;  ///< the result's too
  UpnpAction action = UpnpAction::kMap;
  IpAddress gateway;  ///< the only host to talk to, whoever else answers a search
  IpAddress own;      ///< IPv4, in the gateway's network
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;  ///< this one and no other
  std::chrono::seconds lease{};
};

enum class UpnpError : std::uint8_t {
  kNoGateway,  ///< nobody answered, not in time, or not in HTTP and XML
  kPortTaken,  ///< another port may be free
  kRefused,    ///< the gateway does not map for us
};

struct UpnpGrant {
  std::optional<IpAddress> external;  ///< as claimed; nullopt: the gateway does not say
  std::uint16_t external_port = 0;    ///< the request's, not 0
};

struct UpnpResult {
  std::uint64_t id = 0;
  tl::expected<UpnpGrant, UpnpError> outcome;
};

}  // namespace kadwire::rendezvous
