#include "node/adapters/upnp_port_mapper.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <deque>
#include <fstream>
#include <optional>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "node/adapters/unique_fd.h"

namespace kadwire::node {
namespace {

using rendezvous::UpnpError;
using rendezvous::UpnpRequest;
using rendezvous::UpnpResult;

void set_limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit{value, value};
  setrlimit(resource, &limit);
}

/// Private writable memory of this process, in bytes (proc(5), statm's sixth column).
rlim_t data_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::array<rlim_t, 6> columns{};
  for (rlim_t& column : columns) statm >> column;
  return columns[5] * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// Of what the parent may do, nothing is needed here. What the system refuses stays as it was.
void drop_privileges() {
  constexpr gid_t kNobody = 65534;
  if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0) return;
  if (setresuid(kNobody, kNobody, kNobody) != 0) return;
}

/// The child becomes harmless to its parent: asio's signal handlers write into a pipe that both
/// share, so none may run here.
void settle_child(pid_t parent) {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlim_t data = data_bytes();
  drop_privileges();
  prctl(PR_SET_PDEATHSIG, SIGKILL);   // after a change of user, which clears it
  if (getppid() != parent) _exit(1);  // it ended before the line above
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_DATA, data + kUpnpErrandBytesMax);
}

/// A child that runs one errand and writes the reply into the pipe.
class Child {
 public:
  static std::unique_ptr<Child> start(const UpnpPortMapper::Errand& errand,
                                      const UpnpRequest& request, const std::string& known_url) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return nullptr;
    UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
      settle_child(parent);
      try {
        const Bytes reply = encode_upnp_reply(errand(request, known_url));
        const ssize_t written = write(write_end.get(), reply.data(), reply.size());
        _exit(written == static_cast<ssize_t>(reply.size()) ? 0 : 1);
      } catch (...) {  // out of memory, most likely
        _exit(1);
      }
    }
    if (pid < 0) return nullptr;
    return std::unique_ptr<Child>(new Child(pid, std::move(read_end)));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  /// The end to read from, to be owned by the caller.
  [[nodiscard]] int release_pipe() { return pipe_.release(); }

 private:
  Child(pid_t pid, UniqueFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}
  pid_t pid_;
  UniqueFd pipe_;
};

}  // namespace

struct UpnpPortMapper::Desk : std::enable_shared_from_this<Desk> {
  Desk(asio::io_context& loop, Errand function, std::chrono::milliseconds limit)
      : context(loop), pipe(loop), deadline(loop), errand(std::move(function)), errand_max(limit) {}

  void start_next();
  void read_on();
  void finish();
  void answer_soon(UpnpResult result);
  void close();

  asio::io_context& context;
  asio::posix::stream_descriptor pipe;
  asio::steady_timer deadline;
  Errand errand;
  std::chrono::milliseconds errand_max;
  Handler handler;
  std::string known_url;
  IpAddress known_gateway;
  std::deque<UpnpRequest> queue;  ///< the first is under way if there is a child
  std::unique_ptr<Child> child;
  std::array<std::byte, kUpnpReplyBytesMax> reply{};
  std::size_t reply_bytes = 0;
  std::uint64_t errands_started = 0;
  bool closed = false;
};

void UpnpPortMapper::Desk::start_next() {
  if (child || queue.empty()) return;
  const UpnpRequest& next = queue.front();
  if (known_gateway != next.gateway) known_url.clear();
  known_gateway = next.gateway;
  child = Child::start(errand, next, known_url);
  if (!child) {
    answer_soon({next.id, tl::unexpected(UpnpError::kNoGateway)});
    queue.pop_front();
    return;
  }
  reply_bytes = 0;
  pipe.assign(child->release_pipe());
  deadline.expires_after(errand_max);
  deadline.async_wait(
      [desk = shared_from_this(), number = ++errands_started](const std::error_code& error) {
        // Expired while the errand's end waited for its turn: this may be the next errand's pipe.
        const bool this_errand = desk->errands_started == number;
        if (!error && !desk->closed && this_errand) desk->pipe.cancel();
      });
  read_on();
}

void UpnpPortMapper::Desk::read_on() {
  pipe.async_read_some(
      asio::buffer(reply.data() + reply_bytes, reply.size() - reply_bytes),
      [desk = shared_from_this()](const std::error_code& error, std::size_t count) {
        if (desk->closed) return;
        desk->reply_bytes += count;
        const bool more = !error && desk->reply_bytes < desk->reply.size();
        more ? desk->read_on() : desk->finish();  // the end of the file is an error too
      });
}

void UpnpPortMapper::Desk::finish() {
  child.reset();
  std::error_code ignored;
  pipe.close(ignored);
  deadline.cancel();
  UpnpReply decoded = decode_upnp_reply(ByteView(reply).first(reply_bytes));
  known_url = std::move(decoded.description_url);
  const std::uint64_t id = queue.front().id;
  queue.pop_front();
  start_next();
  handler({id, decoded.outcome});
}

void UpnpPortMapper::Desk::answer_soon(UpnpResult result) {
  asio::post(context, [desk = shared_from_this(), result = std::move(result)] {
    if (desk->closed) return;
    desk->handler(result);
    desk->start_next();
  });
}

void UpnpPortMapper::Desk::close() {
  closed = true;
  child.reset();
  std::error_code ignored;
  pipe.close(ignored);
  deadline.cancel();
}

UpnpPortMapper::UpnpPortMapper(asio::io_context& context, Errand errand,
                               std::chrono::milliseconds errand_max)
    : desk_(std::make_shared<Desk>(context, std::move(errand), errand_max)) {}

UpnpPortMapper::~UpnpPortMapper() {
  desk_->close();
}

void UpnpPortMapper::start(Handler handler) {
  assert(!desk_->handler && handler);
  desk_->handler = std::move(handler);
}

void UpnpPortMapper::request(const UpnpRequest& request) {
  assert(desk_->handler);
  if (desk_->queue.size() >= kUpnpRequestsQueuedMax) {
    return desk_->answer_soon({request.id, tl::unexpected(UpnpError::kNoGateway)});
  }
  desk_->queue.push_back(request);
  desk_->start_next();
}

}  // namespace kadwire::node
