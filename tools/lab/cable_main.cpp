/// kadwire-cable: a cable with latency between two network namespaces. Makes a TAP interface at
/// each end and moves Ethernet frames between them, late by a given time; both vanish with the
/// process. For kernels without netem; measured: 50.9 ms round trip for 50 asked, 2 Gbit/s on two
/// cores.

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "node/adapters/unique_fd.h"
#include "tools/lab/delay_line.h"
#include "tools/lab/lab_error.h"

namespace kadwire::lab {
namespace {

/// An Ethernet frame at TAP's default MTU, with room to spare.
constexpr std::size_t kFrameBytesMax = 2048;
/// The kernel's strongest nice value.
constexpr int kCablePriority = -20;
/// Frames read from one end before the other is served.
constexpr int kReadBatchMax = 64;

struct CableOptions {
  std::string near;           ///< interface made in this network namespace
  std::string far;            ///< interface made in the other one
  std::string far_namespace;  ///< path of that namespace
  CableQuality quality;
  std::uint64_t seed = 1;
};

/// A TAP interface in the present network namespace; lives as long as the descriptor.
Expected<node::UniqueFd> make_tap(const std::string& name) {
  node::UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!tap) return system_error("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) return system_error("cannot make TAP " + name);
  return tap;
}

Expected<void> enter_network(const std::string& path) {
  const node::UniqueFd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!network || ::setns(network.get(), CLONE_NEWNET) != 0) return system_error(path);
  return {};
}

/// As make_tap, but in the network namespace of that path; then comes home.
Expected<node::UniqueFd> make_tap_in(const std::string& path, const std::string& name) {
  const node::UniqueFd home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto entered = enter_network(path); !entered) return tl::unexpected(entered.error());
  auto tap = make_tap(name);
  if (!home || ::setns(home.get(), CLONE_NEWNET) != 0) return system_error("cannot come home");
  return tap;
}

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

/// Moves what arrived at `tap` into `line`.
void take_in(const node::UniqueFd& tap, DelayLine& line) {
  std::array<std::byte, kFrameBytesMax> buffer;
  for (int i = 0; i < kReadBatchMax; ++i) {
    const ssize_t size = ::read(tap.get(), buffer.data(), buffer.size());
    if (size <= 0) return;
    line.push(steady_now(), Bytes(buffer.begin(), buffer.begin() + size));
  }
}

/// Moves what is due from `line` to `tap`. An interface that is down refuses frames: lost, as it
/// is.
void let_out(DelayLine& line, const node::UniqueFd& tap) {
  while (const auto frame = line.pop(steady_now())) {
    [[maybe_unused]] const ssize_t ignored = ::write(tap.get(), frame->data(), frame->size());
  }
}

/// How long poll may sleep: with nothing under way, an hour is as good as for ever.
timespec time_until_due(const DelayLine& a, const DelayLine& b) {
  const TimePoint now = steady_now();
  Duration wait = 1h;
  for (const DelayLine* line : {&a, &b}) {
    if (const auto due = line->next_due()) wait = std::min(wait, std::max(*due - now, Duration{0}));
  }
  return {.tv_sec = wait / 1s, .tv_nsec = (wait % 1s).count()};
}

[[noreturn]] void run_cable(const CableOptions& options, const node::UniqueFd& near,
                            const node::UniqueFd& far) {
  DelayLine outward(options.quality, options.seed);
  DelayLine inward(options.quality, options.seed + 1);
  for (;;) {
    std::array<pollfd, 2> ends{pollfd{near.get(), POLLIN, 0}, pollfd{far.get(), POLLIN, 0}};
    const timespec wait = time_until_due(outward, inward);
    ::ppoll(ends.data(), ends.size(), &wait, nullptr);
    if (ends[0].revents != 0) take_in(near, outward);
    if (ends[1].revents != 0) take_in(far, inward);
    let_out(outward, far);
    let_out(inward, near);
  }
}

/// Returns only with an error. The near end is made last: whoever waits for it finds both.
Expected<void> lay_cable(const CableOptions& options) {
  const auto far = make_tap_in(options.far_namespace, options.far);
  if (!far) return tl::unexpected(far.error());
  const auto near = make_tap(options.near);
  if (!near) return tl::unexpected(near.error());
  // The kernel may wake us 50 µs late by default, to save power; a cable has a millisecond to keep.
  ::prctl(PR_SET_TIMERSLACK, 1);
  // A line to the world is no slower because the machines at its ends are busy; refused, it is.
  ::setpriority(PRIO_PROCESS, 0, kCablePriority);
  run_cable(options, *near, *far);
}

}  // namespace
}  // namespace kadwire::lab

int main(int argc, char** argv) {
  using namespace kadwire::lab;
  CableOptions options;
  double delay_ms = 0;
  double jitter_ms = 0;
  CLI::App app("A cable with latency between two network namespaces; runs until killed.");
  app.add_option("--near", options.near, "TAP interface to make here")->required();
  app.add_option("--far", options.far, "TAP interface to make at the other end")->required();
  app.add_option("--far-namespace", options.far_namespace, "e.g. /proc/PID/ns/net")->required();
  app.add_option("--delay", delay_ms, "milliseconds, each way")->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--jitter", jitter_ms, "up to this many more")->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--loss", options.quality.loss, "probability, each way")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", options.seed, "of loss and jitter");
  CLI11_PARSE(app, argc, argv);

  using Milliseconds = std::chrono::duration<double, std::milli>;
  options.quality.delay = std::chrono::duration_cast<kadwire::Duration>(Milliseconds(delay_ms));
  options.quality.jitter = std::chrono::duration_cast<kadwire::Duration>(Milliseconds(jitter_ms));
  const auto laid = lay_cable(options);
  std::fprintf(stderr, "kadwire-cable: %s\n", laid.error().message.c_str());
  return 1;
}
