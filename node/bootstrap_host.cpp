#include "node/bootstrap_host.h"

#include <algorithm>

#include "node/base/endpoint.h"

namespace kadwire::node {
namespace {

bool is_letter_or_digit(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9');
}

}  // namespace

std::optional<BootstrapHost> parse_bootstrap_host(std::string_view text) {
  if (const auto endpoint = Endpoint::parse(text)) {
    return BootstrapHost{endpoint->address.to_string(), endpoint->port};
  }
  if (const auto address = IpAddress::parse(text)) return BootstrapHost{address->to_string()};
  const auto colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (!is_host_name(host, kDomainNameBytesMax)) return std::nullopt;
  if (colon == std::string_view::npos) return BootstrapHost{std::string(host)};
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  return BootstrapHost{std::string(host), *port};
}

bool is_host_name(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char character) {
           return is_letter_or_digit(character) || character == '-' || character == '_' ||
                  character == '.';
         });
}

}  // namespace kadwire::node
