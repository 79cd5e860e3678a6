#pragma once

/// One machine of the lab: network, mount and UTS namespaces of its own, joined to the core by a
/// cable or to a gateway's LAN. It has its own name, /run and /var/lib, so that programs run with
/// their production paths. Not here: what runs in it (mesh.h), what a gateway does (gateway.h).

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/adapters/unique_fd.h"
#include "node/base/endpoint.h"
#include "tools/lab/delay_line.h"
#include "tools/lab/lab_error.h"
#include "tools/lab/proc_stats.h"
#include "tools/lab/process.h"

namespace kadwire::lab {

/// Which public addresses a host has.
enum class Families { kBoth, kIpv4Only, kIpv6Only };

class Host;

/// The net behind a gateway: the gateway is .1 and ::1, a host's last octet is its number.
struct Lan {
  const Host* gateway = nullptr;  ///< must outlive every host in its net
  std::string ipv4{};             ///< the first three octets: "192.168.3"
  std::string ipv6{};             ///< the first 64 bits: "2001:db8:3:1"
};

struct HostOptions {
  std::string name{};  ///< its host name; empty: "hostN"
  Families families = Families::kBoth;
  CableQuality cable{.delay = 20ms};
  /// Instead of a cable, a plain wire in the kernel: no delay, no loss, as fast as it goes.
  bool wire = false;
  std::optional<Lan> lan{};  ///< where it stands instead of at a cable's end; adds no delay
};

/// The host's own interface, the far end of its cable.
inline constexpr const char* kHostInterface = "eth0";
/// A gateway's interface to its LAN: a bridge.
inline constexpr const char* kLanInterface = "lan0";
/// The host's number is an octet of its IPv4 address.
inline constexpr unsigned kHostNumberMax = 254;

class Host {
 public:
  /// Builds host `number` (1 to kHostNumberMax); `folder` (made here, in the lab's tmpfs) keeps its
  /// files. Blocks for about 20 ms.
  [[nodiscard]] static Expected<std::unique_ptr<Host>> create(HostOptions options, unsigned number,
                                                              std::filesystem::path folder);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] bool has_ipv4() const { return options_.families != Families::kIpv6Only; }
  [[nodiscard]] bool has_ipv6() const { return options_.families != Families::kIpv4Only; }
  /// 198.18.N.2, or of its LAN.
  [[nodiscard]] IpAddress ipv4() const;
  /// 2001:db8:N::2, or of its LAN.
  [[nodiscard]] IpAddress ipv6() const;
  /// A process that stays in the host, as the machine outside of the lab numbers it: for nsenter.
  [[nodiscard]] pid_t outer_pid() const { return outer_pid_; }

  /// Starts a program in the host; its output goes to `log_path(log)`.
  [[nodiscard]] Expected<Process> spawn(std::vector<std::string> argv, const std::string& log,
                                        std::vector<std::string> environment = {}) const;
  /// Runs a program in the host to its end.
  [[nodiscard]] Expected<void> run(std::vector<std::string> argv) const;
  /// Runs `body` in the host's network, the rest being the lab's: sockets that it opens stay there.
  [[nodiscard]] Expected<void> in_network(const std::function<void()>& body) const;
  /// A socket in the host's network, for the caller to use from where it is.
  [[nodiscard]] Expected<node::UniqueFd> open_socket(int family, int type, int protocol) const;

  /// What the host sees as `path` (below /run or /var/lib), as the lab sees it.
  [[nodiscard]] std::filesystem::path outside(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path log_path(const std::string& log) const;
  /// Every log, each with its name; for a failure's report.
  [[nodiscard]] std::string logs() const;

  /// The programs that run in the host.
  [[nodiscard]] std::vector<ProcessUsage> processes() const;
  /// Sends a signal to each program of this name (15 characters count); how many there were.
  std::size_t signal_all(const std::string& name, int number) const;
  /// nullopt: no such interface.
  [[nodiscard]] std::optional<InterfaceCounters> counters(const std::string& interface) const;
  [[nodiscard]] bool has_udp_port(std::uint16_t port) const;

 private:
  Host(HostOptions options, unsigned number, std::filesystem::path folder);
  Expected<void> start_holder();
  Expected<void> lay_cable();
  Expected<void> lay_wire();
  Expected<void> configure_network();
  Expected<void> configure_core();
  Expected<void> join_lan();
  [[nodiscard]] std::string core_script() const;
  [[nodiscard]] std::string host_script() const;
  [[nodiscard]] std::string ipv4_router() const;
  [[nodiscard]] std::string ipv6_router() const;
  [[nodiscard]] std::string core_interface() const;

  HostOptions options_;
  unsigned number_;
  std::filesystem::path folder_;
  pid_t holder_ = -1;  ///< keeps the namespaces open
  pid_t outer_pid_ = -1;
  node::UniqueFd holder_pidfd_;
  std::unique_ptr<Process> cable_;
};

/// The folder of the running program: the lab's other programs lie beside it.
[[nodiscard]] std::filesystem::path program_folder();

}  // namespace kadwire::lab
