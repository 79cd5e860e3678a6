#include "tools/lab/host.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "tools/lab/cell.h"

namespace kadwire::lab {
namespace {

namespace fs = std::filesystem;

constexpr auto kCableReadyMax = 5s;
constexpr auto kPollStep = 1ms;
/// Enough of a log to see what happened, little enough to read.
constexpr std::size_t kLogTailBytes = 16 * 1024;

bool bind_over(const fs::path& from, const char* to) {
  return ::mount(from.c_str(), to, nullptr, MS_BIND, nullptr) == 0;
}

/// In the holder: leaves for namespaces of its own and mounts what a machine of its own would have.
bool become_host(const fs::path& folder, const std::string& name) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
         ::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0 &&
         bind_over(folder / "lib", "/var/lib") &&
         bind_over(folder / "run", "/run") &&  // last: it hides the folder
         ::sethostname(name.c_str(), name.size()) == 0;
}

/// The holder: reports its outer pid (0: failed) through `report` and then sleeps for good.
[[noreturn]] void hold(const fs::path& folder, const std::string& name, int report) {
  pid_t outer = outer_pid().value_or(::getpid());
  if (!become_host(folder, name)) outer = 0;
  const ssize_t written = ::write(report, &outer, sizeof outer);
  if (outer == 0 || written != sizeof outer) ::_exit(1);
  const std::string title = "lab:" + name;
  ::execl("/bin/sleep", title.c_str(), "infinity", nullptr);
  ::_exit(1);
}

/// Enters a network for the span of a scope; the other namespaces stay.
class NetworkScope {
 public:
  explicit NetworkScope(int pidfd) : home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    entered_ = home_ && ::setns(pidfd, CLONE_NEWNET) == 0;
  }
  ~NetworkScope() {
    if (entered_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
  }
  NetworkScope(const NetworkScope&) = delete;
  NetworkScope& operator=(const NetworkScope&) = delete;
  [[nodiscard]] bool entered() const { return entered_; }

 private:
  node::UniqueFd home_;
  bool entered_ = false;
};

std::string tail_of(const std::string& text) {
  if (text.size() <= kLogTailBytes) return text;
  return "[…]\n" + text.substr(text.size() - kLogTailBytes);
}

}  // namespace

Host::Host(HostOptions options, unsigned number, fs::path folder)
    : options_(std::move(options)), number_(number), folder_(std::move(folder)) {
  assert(number_ >= 1 && number_ <= kHostNumberMax);
  if (options_.name.empty()) options_.name = fmt::format("host{}", number_);
}

Expected<std::unique_ptr<Host>> Host::create(HostOptions options, unsigned number,
                                             fs::path folder) {
  std::unique_ptr<Host> host(new Host(std::move(options), number, std::move(folder)));
  const auto built = host->start_holder()
                         .and_then([&] {
                           if (host->options_.lan) return host->join_lan();
                           return host->options_.wire ? host->lay_wire() : host->lay_cable();
                         })
                         .and_then([&] { return host->configure_network(); });
  if (!built) return lab_error(host->name() + ": " + built.error().message);
  return host;
}

Host::~Host() {
  if (holder_ < 0) return;
  for (const ProcessUsage& process : processes()) ::kill(process.pid, SIGKILL);
  ::kill(holder_, SIGKILL);
  ::waitpid(holder_, nullptr, 0);
  cable_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Expected<void> Host::start_holder() {
  std::error_code error;
  for (const char* part : {"run", "lib", "log"}) fs::create_directories(folder_ / part, error);
  if (error) return lab_error(folder_.string() + ": " + error.message());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe");
  const node::UniqueFd report_here(ends[0]);
  node::UniqueFd report_there(ends[1]);
  holder_ = ::fork();
  if (holder_ == 0) hold(folder_, options_.name, report_there.get());
  if (holder_ < 0) return system_error("fork");
  report_there.reset();
  const ssize_t size = ::read(report_here.get(), &outer_pid_, sizeof outer_pid_);
  if (size != sizeof outer_pid_ || outer_pid_ == 0) return lab_error("cannot make its namespaces");
  holder_pidfd_ = node::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, holder_, 0)));
  if (!holder_pidfd_) return system_error("pidfd_open");
  return {};
}

Expected<void> Host::lay_cable() {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const CableQuality& quality = options_.cable;
  auto cable = Process::spawn(
      {.argv = {program_folder() / "kadwire-cable", "--near", core_interface(), "--far",
                kHostInterface, "--far-namespace", fmt::format("/proc/{}/ns/net", holder_),
                "--delay", fmt::format("{}", Milliseconds(quality.delay).count()), "--jitter",
                fmt::format("{}", Milliseconds(quality.jitter).count()), "--loss",
                fmt::format("{}", quality.loss), "--seed", std::to_string(number_)},
       .output = log_path("cable")});
  if (!cable) return tl::unexpected(cable.error());
  cable_ = std::make_unique<Process>(std::move(*cable));
  const auto deadline = std::chrono::steady_clock::now() + kCableReadyMax;
  while (::if_nametoindex(core_interface().c_str()) == 0) {
    if (!cable_->running() || std::chrono::steady_clock::now() > deadline) {
      return lab_error("the cable does not come up: " + read_text(log_path("cable")));
    }
    std::this_thread::sleep_for(kPollStep);
  }
  return {};
}

Expected<void> Host::lay_wire() {
  return run_command({.argv = {"ip", "link", "add", core_interface(), "type", "veth", "peer",
                               "name", kHostInterface, "netns", std::to_string(holder_)},
                      .output = log_path("cable")});
}

/// The wire to the gateway's bridge, plugged in from the gateway's side.
Expected<void> Host::join_lan() {
  const std::string wire = fmt::format("port{}", number_);
  const std::string script = fmt::format(
      "link add {0} type veth peer name {1} netns {2}\n"
      "link set {0} master {3} up\n",
      wire, kHostInterface, holder_, kLanInterface);
  const fs::path path = fmt::format("/run/{}.ip", wire);
  return write_text(options_.lan->gateway->outside(path), script).and_then([&] {
    return options_.lan->gateway->run({"ip", "-batch", path});
  });
}

Expected<void> Host::configure_network() {
  const auto core = options_.lan ? Expected<void>{} : configure_core();
  return core.and_then([&] { return write_text(folder_ / "run" / "network.ip", host_script()); })
      .and_then([&] {
        return run({"ip", "-batch", "/run/network.ip"});
      });
}

Expected<void> Host::configure_core() {
  const fs::path path = folder_ / "core.ip";
  return write_text(path, core_script()).and_then([&] {
    return run_command({.argv = {"ip", "-batch", path}, .output = log_path("core-ip")});
  });
}

std::string Host::core_interface() const {
  return fmt::format("host{}", number_);
}

// Both ends know each other's link address from the start: a machine's gateway is a metre away, and
// a question for it should not cost the round trip that stands for its line to the world.

std::string Host::core_script() const {
  std::string script = fmt::format("link set {0} address 02:00:00:00:{1:02x}:01 mtu 1500 up\n",
                                   core_interface(), number_);
  if (has_ipv4()) {
    script += fmt::format(
        "addr add 198.18.{0}.1/24 dev {1}\n"
        "neigh replace 198.18.{0}.2 lladdr 02:00:00:00:{0:02x}:02 dev {1} nud permanent\n",
        number_, core_interface());
  }
  if (has_ipv6()) {
    script += fmt::format(
        "addr add 2001:db8:{0:x}::1/64 dev {1} nodad\n"
        "neigh replace 2001:db8:{0:x}::2 lladdr 02:00:00:00:{0:02x}:02 dev {1} nud permanent\n",
        number_, core_interface());
  }
  return script;
}

std::string Host::host_script() const {
  std::string script = fmt::format(
      "link set lo up\n"
      "link set {0} address 02:00:00:00:{1:02x}:02 mtu 1500 up\n",
      kHostInterface, number_);
  const auto add = [&](const IpAddress& address, int length, const char* everywhere,
                       const std::string& router) {
    script += fmt::format("addr add {}/{} dev {}{}\n", address.to_string(), length, kHostInterface,
                          address.is_v4() ? "" : " nodad");
    if (!options_.lan) {
      script += fmt::format("neigh replace {} lladdr 02:00:00:00:{:02x}:01 dev {} nud permanent\n",
                            router, number_, kHostInterface);
    }
    script += fmt::format("route add {} via {} dev {}\n", everywhere, router, kHostInterface);
  };
  if (has_ipv4()) add(ipv4(), 24, "0.0.0.0/0", ipv4_router());
  if (has_ipv6()) add(ipv6(), 64, "::/0", ipv6_router());
  return script;
}

std::string Host::ipv4_router() const {
  return options_.lan ? options_.lan->ipv4 + ".1" : fmt::format("198.18.{}.1", number_);
}

std::string Host::ipv6_router() const {
  return options_.lan ? options_.lan->ipv6 + "::1" : fmt::format("2001:db8:{:x}::1", number_);
}

IpAddress Host::ipv4() const {
  return *IpAddress::parse(options_.lan ? fmt::format("{}.{}", options_.lan->ipv4, number_)
                                        : fmt::format("198.18.{}.2", number_));
}

IpAddress Host::ipv6() const {
  return *IpAddress::parse(options_.lan ? fmt::format("{}::{:x}", options_.lan->ipv6, number_)
                                        : fmt::format("2001:db8:{:x}::2", number_));
}

Expected<Process> Host::spawn(std::vector<std::string> argv, const std::string& log,
                              std::vector<std::string> environment) const {
  return Process::spawn({.argv = std::move(argv),
                         .environment = std::move(environment),
                         .output = log_path(log),
                         .host_pidfd = holder_pidfd_.get()});
}

Expected<void> Host::run(std::vector<std::string> argv) const {
  return run_command(
      {.argv = std::move(argv), .output = log_path("commands"), .host_pidfd = holder_pidfd_.get()});
}

Expected<void> Host::in_network(const std::function<void()>& body) const {
  const NetworkScope network(holder_pidfd_.get());
  if (!network.entered()) return system_error(name() + ": cannot enter its network");
  body();
  return {};
}

Expected<node::UniqueFd> Host::open_socket(int family, int type, int protocol) const {
  node::UniqueFd socket;
  const auto entered = in_network([&] {
    socket = node::UniqueFd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  });
  if (!entered) return tl::unexpected(entered.error());
  if (!socket) return system_error(name() + ": socket");
  return socket;
}

fs::path Host::outside(const fs::path& path) const {
  const fs::path in_lib = path.lexically_relative("/var/lib");
  if (!in_lib.empty() && *in_lib.begin() != "..") return folder_ / "lib" / in_lib;
  return folder_ / "run" / path.lexically_relative("/run");
}

fs::path Host::log_path(const std::string& log) const {
  return folder_ / "log" / (log + ".log");
}

std::string Host::logs() const {
  std::ostringstream all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ / "log", error)) {
    const std::string text = read_text(entry.path());
    if (text.empty()) continue;
    all << "---- " << name() << ": " << entry.path().filename().string() << '\n' << tail_of(text);
  }
  return all.str();
}

std::vector<ProcessUsage> Host::processes() const {
  std::vector<ProcessUsage> found;
  for (const pid_t pid : processes_in_network_of(holder_)) {
    if (pid == holder_) continue;
    if (auto usage = process_usage(pid)) found.push_back(std::move(*usage));
  }
  return found;
}

std::size_t Host::signal_all(const std::string& name, int number) const {
  std::size_t count = 0;
  for (const ProcessUsage& process : processes()) {
    if (process.name == name.substr(0, 15) && ::kill(process.pid, number) == 0) ++count;
  }
  return count;
}

std::optional<InterfaceCounters> Host::counters(const std::string& interface) const {
  return parse_net_dev(read_text(fmt::format("/proc/{}/net/dev", holder_)), interface);
}

bool Host::has_udp_port(std::uint16_t port) const {
  for (const char* table : {"udp", "udp6"}) {
    const std::string text = read_text(fmt::format("/proc/{}/net/{}", holder_, table));
    if (udp_table_has_port(text, port)) return true;
  }
  return false;
}

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace kadwire::lab
