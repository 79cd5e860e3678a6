#include "tools/testnet/commands/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

namespace kadwire::testnet {
namespace {

/// How often a wait is ended to show progress.
constexpr int kPollMilliseconds = 200;
constexpr std::size_t kReadBytes = 64 * 1024;

struct Worker {
  std::size_t job = 0;
  pid_t pid = -1;
  int pipe = -1;
  std::string output;
};

void write_all(int descriptor, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(descriptor, text.data() + written, text.size() - written);
    if (count < 0 && errno != EINTR) return;
    written += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
}

/// In the child: never returns.
[[noreturn]] void work(const Job& job, std::size_t number, int pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  write_all(pipe, job(number));
  _exit(0);
}

tl::expected<Worker, std::string> start_worker(const Job& job, std::size_t number) {
  int ends[2];
  if (pipe(ends) != 0) return tl::unexpected(fmt::format("pipe: {}", std::strerror(errno)));
  std::fflush(nullptr);  // or the child would print it too
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    work(job, number, ends[1]);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return tl::unexpected(fmt::format("fork: {}", std::strerror(errno)));
  }
  return Worker{number, pid, ends[0], {}};
}

JobResult finish(Worker& worker) {
  close(worker.pipe);
  int status = 0;
  while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(worker.output);
  if (WIFSIGNALED(status)) {
    return tl::unexpected(fmt::format("its process was ended by {}", strsignal(WTERMSIG(status))));
  }
  return tl::unexpected(fmt::format("its process ended with code {}", WEXITSTATUS(status)));
}

/// Its result is not wanted any more.
void end(Worker& worker) {
  kill(worker.pid, SIGKILL);
  static_cast<void>(finish(worker));
}

/// Takes what there is; true at the end.
bool read_some(Worker& worker) {
  std::string buffer(kReadBytes, '\0');
  const ssize_t count = read(worker.pipe, buffer.data(), buffer.size());
  if (count > 0) worker.output.append(buffer, 0, static_cast<std::size_t>(count));
  return count == 0 || (count < 0 && errno != EINTR);
}

/// Waits a moment for any of them; the positions of those that have something.
std::vector<std::size_t> wait_for_output(const std::vector<Worker>& workers) {
  std::vector<pollfd> polled;
  for (const Worker& worker : workers) polled.push_back({worker.pipe, POLLIN, 0});
  poll(polled.data(), polled.size(), kPollMilliseconds);
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents != 0) ready.push_back(i);
  }
  return ready;
}

}  // namespace

std::size_t workers_default() {
  return std::max(1U, std::thread::hardware_concurrency());
}

std::vector<std::optional<JobResult>> run_jobs(std::size_t count, std::size_t workers,
                                               const Job& job, const JobProgress& progress) {
  std::vector<std::optional<JobResult>> results(count);
  std::vector<Worker> running;
  std::size_t next = 0, done = 0;
  while (next < count || !running.empty()) {
    while (next < count && running.size() < workers) {
      auto worker = start_worker(job, next);
      if (worker) {
        running.push_back(std::move(*worker));
      } else {
        results[next] = tl::unexpected(worker.error());
      }
      ++next;
    }
    const auto ready = wait_for_output(running);
    for (auto position = ready.rbegin(); position != ready.rend(); ++position) {
      Worker& worker = running[*position];
      if (!read_some(worker)) continue;
      results[worker.job] = finish(worker);
      ++done;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(*position));
    }
    if (progress(done)) continue;
    for (Worker& worker : running) end(worker);
    break;
  }
  return results;
}

}  // namespace kadwire::testnet
