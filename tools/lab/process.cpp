#include "tools/lab/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>

#include "node/adapters/unique_fd.h"

namespace kadwire::lab {
namespace {

/// Between two looks at a process that is to end.
constexpr auto kWaitStep = 2ms;
/// No command of the lab takes longer than a moment.
constexpr auto kCommandTimeMax = 20s;

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// In the child: namespaces, output, program. Returns only if something failed.
void become(const ProcessOptions& options, int output) {
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  constexpr int kHostNamespaces = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS;
  if (options.host_pidfd >= 0 && ::setns(options.host_pidfd, kHostNamespaces) != 0) return;
  // A process group of its own: the terminal's Ctrl-C is for the lab, which ends everything.
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const std::string& variable : options.environment) {
    const std::size_t equals = variable.find('=');
    assert(equals != std::string::npos);
    ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
  std::vector<std::string> argv = options.argv;
  ::execvp(argv.front().c_str(), pointers_to(argv).data());
}

}  // namespace

Expected<Process> Process::spawn(const ProcessOptions& options) {
  assert(!options.argv.empty());
  const node::UniqueFd output(
      ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output) return system_error(options.output.string());
  const TimePoint before = steady_now();
  const pid_t child = ::fork();
  if (child == 0) {
    const node::UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(input.get(), STDIN_FILENO);
    become(options, output.get());
    ::dprintf(STDERR_FILENO, "cannot run %s: %s\n", options.argv.front().c_str(),
              std::strerror(errno));
    ::_exit(127);
  }
  if (child < 0) return system_error("fork");
  return Process(child, before);
}

bool Process::running() {
  return !exit_code().has_value();
}

std::optional<int> Process::exit_code() {
  if (exit_code_.has_value() || pid_ < 0) return exit_code_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return exit_code_;
}

std::optional<int> Process::wait(Duration at_most) {
  const TimePoint deadline = steady_now() + at_most;
  while (running() && steady_now() < deadline) std::this_thread::sleep_for(kWaitStep);
  return exit_code();
}

void Process::signal(int number) {
  if (pid_ > 0 && running()) ::kill(pid_, number);
}

int Process::stop(Duration patience) {
  signal(SIGTERM);
  if (const auto code = wait(patience)) return *code;
  end();
  return *exit_code_;
}

void Process::end() {
  if (pid_ < 0 || !running()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = 128 + SIGKILL;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      spawned_(other.spawned_),
      exit_code_(std::exchange(other.exit_code_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    spawned_ = other.spawned_;
    exit_code_ = std::exchange(other.exit_code_, std::nullopt);
  }
  return *this;
}

Process::~Process() {
  end();
}

Expected<void> run_command(const ProcessOptions& options) {
  auto process = Process::spawn(options);
  if (!process) return tl::unexpected(process.error());
  if (process->wait(kCommandTimeMax) == 0) return {};
  std::ostringstream message;
  for (const std::string& word : options.argv) message << word << ' ';
  message << "failed: " << read_text(options.output);
  return lab_error(message.str());
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Expected<void> write_text(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  const node::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return system_error(path.string());
  }
  return {};
}

}  // namespace kadwire::lab
