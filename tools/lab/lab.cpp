#include "tools/lab/lab.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "tools/lab/cell.h"

namespace kadwire::lab {
namespace {

namespace fs = std::filesystem;

/// In the cell's tmpfs.
constexpr const char* kLabFolder = "/run/lab";

}  // namespace

Lab::Lab(fs::path folder) : folder_(std::move(folder)) {}

Expected<std::unique_ptr<Lab>> Lab::create() {
  // Outside of a cell this would make the machine itself a router: refuse, loudly.
  if (!outer_pid()) return lab_error("the lab must run in a cell");
  std::error_code error;
  fs::create_directories(kLabFolder, error);
  if (error) return lab_error(std::string(kLabFolder) + ": " + error.message());
  const auto forwarding = write_text("/proc/sys/net/ipv4/ip_forward", "1").and_then([] {
    return write_text("/proc/sys/net/ipv6/conf/all/forwarding", "1");
  });
  if (!forwarding) return tl::unexpected(forwarding.error());
  return std::unique_ptr<Lab>(new Lab(kLabFolder));
}

Lab::~Lab() {
  hosts_.clear();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Expected<Host*> Lab::add_host(HostOptions options) {
  const auto number = static_cast<unsigned>(hosts_.size()) + 1;
  if (number > kHostNumberMax) return lab_error("the lab is full");
  auto host = Host::create(std::move(options), number, folder_ / fmt::format("host{}", number));
  if (!host) return tl::unexpected(host.error());
  hosts_.push_back(std::move(*host));
  return hosts_.back().get();
}

std::string Lab::logs() const {
  std::string all;
  for (const auto& host : hosts_) all += host->logs();
  return all;
}

}  // namespace kadwire::lab
