#include "node/adapters/upnp_gateway.h"

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>

#include <array>
#include <memory>
#include <optional>

namespace kadwire::node {
namespace {

using rendezvous::UpnpAction;
using rendezvous::UpnpError;
using rendezvous::UpnpGrant;
using rendezvous::UpnpRequest;

/// For each type: devices are to answer within the 1 s that the search names.
constexpr int kSearchMilliseconds = 1500;
/// Version 2 should answer a search for version 1; some only answer the most general one.
constexpr std::array<const char*, 4> kSearchTypes = {
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2", "upnp:rootdevice", nullptr};
/// UPnP Device Architecture 1.1, §1.3.2.
constexpr unsigned char kSearchHops = 2;
/// What the gateway's own pages show as the mapping's purpose.
constexpr const char* kDescription = "kadwire";
constexpr const char* kUdp = "UDP";
/// An error code of AddPortMapping (WANIPConnection:1, §2.4.16.4).
constexpr int kConflictInMappingEntry = 718;
constexpr int kOnlyPermanentLeases = 725;
constexpr int kConflictWithOtherMechanisms = 729;
constexpr int kNoSuchEntry = 714;

/// The device's control address and service type, as its description says.
class Device {
 public:
  /// nullopt: no description there, or none of this gateway's WAN connection.
  static std::optional<Device> read(const std::string& description_url, const IpAddress& gateway) {
    Device device;
    std::array<char, 64> own{};
    const int read = UPNP_GetIGDFromUrl(description_url.c_str(), device.urls_.get(), &device.data_,
                                        own.data(), static_cast<int>(own.size()));
    if (read != 1 || device.urls_->controlURL == nullptr) return std::nullopt;
    if (device.data_.first.servicetype[0] == '\0') return std::nullopt;
    if (!is_http_at(device.control_url(), gateway)) return std::nullopt;
    return device;
  }
  [[nodiscard]] const char* control_url() const { return urls_->controlURL; }
  [[nodiscard]] const char* service() const { return data_.first.servicetype; }

 private:
  struct Free {
    void operator()(UPNPUrls* urls) const {
      FreeUPNPUrls(urls);
      delete urls;
    }
  };
  std::unique_ptr<UPNPUrls, Free> urls_{new UPNPUrls{}};
  IGDdatas data_{};
};

struct Found {
  Device device;
  std::string description_url;
};

std::optional<Found> search(const UpnpRequest& request) {
  const auto free_list = [](UPNPDev* list) { freeUPNPDevlist(list); };
  int error = 0;
  const std::unique_ptr<UPNPDev, decltype(free_list)> answers(
      upnpDiscoverDevices(kSearchTypes.data(), kSearchMilliseconds, request.own.to_string().c_str(),
                          nullptr, UPNP_LOCAL_PORT_ANY, 0, kSearchHops, &error, 0),
      free_list);
  for (const UPNPDev* answer = answers.get(); answer != nullptr; answer = answer->pNext) {
    if (answer->descURL == nullptr) continue;
    std::string url(answer->descURL);
    if (url.size() >= kUpnpUrlBytesMax || !is_http_at(url, request.gateway)) continue;
    if (auto device = Device::read(url, request.gateway)) return Found{*std::move(device), url};
  }
  return std::nullopt;
}

std::optional<Found> find_device(const UpnpRequest& request, const std::string& known_url) {
  if (!known_url.empty() && is_http_at(known_url, request.gateway)) {
    if (auto device = Device::read(known_url, request.gateway)) {
      return Found{*std::move(device), known_url};
    }
  }
  return search(request);
}

/// To whom an external port is mapped; nullopt: to nobody.
enum class Holder { kNobody, kUs, kAnother };

Holder holder_of(const Device& device, const UpnpRequest& request) {
  std::array<char, 64> client{}, port{}, enabled{}, lease{};
  std::array<char, 128> description{};
  const int result = UPNP_GetSpecificPortMappingEntry(
      device.control_url(), device.service(), std::to_string(request.external_port).c_str(), kUdp,
      nullptr, client.data(), port.data(), description.data(), enabled.data(), lease.data());
  if (result != UPNPCOMMAND_SUCCESS) return Holder::kNobody;
  const bool ours = client.data() == request.own.to_string() &&
                    port.data() == std::to_string(request.internal_port);
  return ours ? Holder::kUs : Holder::kAnother;
}

int add(const Device& device, const UpnpRequest& request, std::chrono::seconds lease) {
  return UPNP_AddPortMapping(
      device.control_url(), device.service(), std::to_string(request.external_port).c_str(),
      std::to_string(request.internal_port).c_str(), request.own.to_string().c_str(), kDescription,
      kUdp, nullptr, std::to_string(lease.count()).c_str());
}

UpnpError error_of(int result) {
  if (result < 0) return UpnpError::kNoGateway;
  const bool taken = result == kConflictInMappingEntry || result == kConflictWithOtherMechanisms;
  return taken ? UpnpError::kPortTaken : UpnpError::kRefused;
}

std::optional<IpAddress> external_address(const Device& device) {
  std::array<char, 64> text{};
  const int result = UPNP_GetExternalIPAddress(device.control_url(), device.service(), text.data());
  return result == UPNPCOMMAND_SUCCESS ? IpAddress::parse(text.data()) : std::nullopt;
}

tl::expected<UpnpGrant, UpnpError> map(const Device& device, const UpnpRequest& request) {
  // Some gateways hand over what another client holds without a word.
  if (holder_of(device, request) == Holder::kAnother) return tl::unexpected(UpnpError::kPortTaken);
  int result = add(device, request, request.lease);
  if (result == kOnlyPermanentLeases) result = add(device, request, std::chrono::seconds(0));
  if (result != UPNPCOMMAND_SUCCESS) return tl::unexpected(error_of(result));
  return UpnpGrant{external_address(device), request.external_port};
}

tl::expected<UpnpGrant, UpnpError> unmap(const Device& device, const UpnpRequest& request) {
  if (holder_of(device, request) == Holder::kAnother) return tl::unexpected(UpnpError::kPortTaken);
  const int result =
      UPNP_DeletePortMapping(device.control_url(), device.service(),
                             std::to_string(request.external_port).c_str(), kUdp, nullptr);
  if (result != UPNPCOMMAND_SUCCESS && result != kNoSuchEntry) {
    return tl::unexpected(error_of(result));
  }
  return UpnpGrant{std::nullopt, request.external_port};
}

tl::expected<UpnpGrant, UpnpError> carry_out(const Device& device, const UpnpRequest& request) {
  switch (request.action) {
    case UpnpAction::kMap:
      return map(device, request);
    case UpnpAction::kUnmap:
      return unmap(device, request);
    case UpnpAction::kLook:
      break;
  }
  return UpnpGrant{external_address(device), request.external_port};
}

}  // namespace

UpnpReply ask_upnp_gateway(const UpnpRequest& request, const std::string& known_url) {
  const auto found = find_device(request, known_url);
  if (!found) return {tl::unexpected(UpnpError::kNoGateway), {}};
  return {carry_out(found->device, request), found->description_url};
}

bool is_http_at(const std::string& url, const IpAddress& host) {
  const std::string start = "http://" + host.to_string();
  if (!host.is_v4() || !url.starts_with(start)) return false;
  return url.size() > start.size() && (url[start.size()] == ':' || url[start.size()] == '/') &&
         url.find('@') == std::string::npos;  // "http://HOST:x@OTHER" names another host
}

}  // namespace kadwire::node
