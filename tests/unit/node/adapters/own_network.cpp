#include "tests/unit/node/adapters/own_network.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include "node/adapters/rtnetlink.h"
#include "node/adapters/uapi_exchange.h"
#include "node/adapters/wireguard_go_process.h"

namespace kadwire::testing {
namespace {

constexpr std::uint32_t kLoopbackMtuBytes = 65536;

bool enter_own_namespaces() {
  return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", "/run", "tmpfs", 0, "") == 0;
}

void end_processes_left_behind() {
  std::error_code none_was_started;
  for (const auto& entry :
       std::filesystem::directory_iterator("/run/wireguard", none_was_started)) {
    const int pid = process_behind(entry.path().stem());
    if (pid > 0) kill(pid, SIGKILL);
  }
}

}  // namespace

std::optional<std::string> no_own_network() {
  if (geteuid() != 0) return "needs root, for network namespaces of its own";
  if (access("/dev/net/tun", R_OK | W_OK) != 0) return "needs /dev/net/tun";
  if (access("/usr/bin/wireguard-go", X_OK) != 0) return "needs the package wireguard-go";
  bool allowed = false;
  std::thread([&] { allowed = enter_own_namespaces(); }).join();
  if (!allowed) return "may not make network and mount namespaces";
  return std::nullopt;
}

void in_own_network(const std::function<void()>& body) {
  std::thread thread([&] {
    ASSERT_TRUE(enter_own_namespaces());
    auto netlink = node::Rtnetlink::open();
    ASSERT_TRUE(netlink) << netlink.error().message;
    const auto loopback = netlink->find_link("lo");
    ASSERT_TRUE(loopback && *loopback);
    ASSERT_TRUE(netlink->set_up(**loopback, kLoopbackMtuBytes));
    body();
    end_processes_left_behind();
  });
  thread.join();
}

void run_command(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

int process_behind(const std::string& interface) {
  const auto connected = node::connect_uapi(node::uapi_socket_path(interface));
  if (!connected) return 0;
  const auto process = node::WireguardGoProcess::behind(connected->get());
  return process ? process->pid() : 0;
}

}  // namespace kadwire::testing
