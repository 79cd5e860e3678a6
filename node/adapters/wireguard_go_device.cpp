#include "node/adapters/wireguard_go_device.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "node/adapters/rtnetlink.h"
#include "node/adapters/uapi_exchange.h"
#include "node/adapters/wireguard_go_start.h"

namespace kadwire::node {
namespace {

using Clock = std::chrono::steady_clock;

/// A hanging device is asked again after this pause.
constexpr auto kSnapshotRetry = std::chrono::seconds(1);
constexpr auto kStopPatience = std::chrono::seconds(1);

struct Changes {
  std::vector<PeerChange> list;
};
struct Snapshot {};
using Task = std::variant<Changes, Snapshot>;

crypto::WireguardKey key_of(const PeerChange& change) {
  if (const auto* set = std::get_if<SetPeer>(&change)) return set->config.key;
  if (const auto* renew = std::get_if<RenewPeer>(&change)) return renew->config.key;
  return std::get<RemovePeer>(change).key;
}

}  // namespace

struct WireguardGoDevice::Core : std::enable_shared_from_this<Core> {
  Core(asio::io_context& loop, WireguardGoOptions opened_with)
      : context(loop),
        options(std::move(opened_with)),
        socket_path(uapi_socket_path(options.interface)),
        work(loop),
        process_end(loop),
        restart(loop) {}

  void stand(StandingInterface standing);
  void fall();
  void emit(DeviceEvent event);
  void emit_soon(DeviceEvent event);
  void apply_addresses();
  void shut();

  static asio::awaitable<void> serve(std::shared_ptr<Core> core);
  static asio::awaitable<void> apply_changes(Core& core, const std::vector<PeerChange>& changes);
  static asio::awaitable<void> answer_snapshot(Core& core);
  static asio::awaitable<void> supervise(std::shared_ptr<Core> core);
  static asio::awaitable<bool> start_again(Core& core);

  asio::io_context& context;
  WireguardGoOptions options;
  std::string socket_path;
  Handler handler;
  std::vector<Prefix> addresses;
  std::vector<std::string> notes;
  bool adopted = false;
  bool closed = false;

  std::optional<WireguardGoProcess> process;
  std::optional<Link> link;  ///< nullopt: lost, being started again

  std::deque<Task> tasks;  ///< one request at a time; bounded by queued_changes
  std::size_t queued_changes = 0;
  asio::steady_timer work;                     ///< cancelled to wake serve()
  asio::posix::stream_descriptor process_end;  ///< a copy of the process's pidfd
  asio::steady_timer restart;
};

void WireguardGoDevice::Core::stand(StandingInterface standing) {
  link = std::move(standing.link);
  options.listen_port = standing.listen_port;
  notes = std::move(standing.notes);
  adopted = standing.adopted;
  std::error_code ignored;
  process_end.close(ignored);
  process_end.assign(fcntl(process->pidfd(), F_DUPFD_CLOEXEC, 0), ignored);
}

/// The process ended: what waited for it is void, but a snapshot stays owed.
void WireguardGoDevice::Core::fall() {
  const std::string number = std::to_string(process->pid());
  std::string reason = "wireguard-go (process " + number + ") ";
  reason.append(process->reap()).append("; it is started again.");
  process.reset();
  link.reset();
  std::erase_if(tasks, [](const Task& task) { return std::holds_alternative<Changes>(task); });
  queued_changes = 0;
  emit(DeviceLost{std::move(reason)});
}

void WireguardGoDevice::Core::emit(DeviceEvent event) {
  if (!closed) handler(std::move(event));
}

void WireguardGoDevice::Core::emit_soon(DeviceEvent event) {
  asio::post(context, [core = shared_from_this(), event = std::move(event)]() mutable {
    if (core->handler) core->emit(std::move(event));
  });
}

void WireguardGoDevice::Core::apply_addresses() {
  auto netlink = Rtnetlink::open();
  if (!netlink) return emit_soon(ChangeFailed{{}, netlink.error().message});
  const auto done = netlink->set_addresses(*link, addresses);
  if (!done) emit_soon(ChangeFailed{{}, done.error().message});
}

void WireguardGoDevice::Core::shut() {
  closed = true;
  std::error_code ignored;
  work.cancel();
  restart.cancel();
  process_end.close(ignored);
}

asio::awaitable<void> WireguardGoDevice::Core::serve(std::shared_ptr<Core> core) {
  while (!core->closed) {
    if (!core->link || core->tasks.empty()) {
      std::error_code woken;
      core->work.expires_at(Clock::time_point::max());
      co_await core->work.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      continue;
    }
    const Task task = std::move(core->tasks.front());
    core->tasks.pop_front();
    if (const auto* changes = std::get_if<Changes>(&task)) {
      core->queued_changes -= changes->list.size();
      co_await apply_changes(*core, changes->list);
    } else {
      co_await answer_snapshot(*core);
    }
  }
}

asio::awaitable<void> WireguardGoDevice::Core::apply_changes(
    Core& core, const std::vector<PeerChange>& changes) {
  WipedText request = encode_changes(changes);
  const auto refused = co_await exchange_set(core.socket_path, std::move(request));
  if (!refused) {  // hanging or gone: asking once a change would only hang as often
    for (const PeerChange& change : changes) {
      core.emit(ChangeFailed{key_of(change), "wireguard-go: " + refused.error().reason});
    }
    co_return;
  }
  if (*refused == 0) co_return;
  if (changes.size() == 1) {
    core.emit(ChangeFailed{key_of(changes.front()), std::strerror(*refused)});
    co_return;
  }
  for (const PeerChange& change : changes) {
    WipedText single = encode_changes({&change, 1});
    const auto alone = co_await exchange_set(core.socket_path, std::move(single));
    if (alone && *alone == 0) continue;
    core.emit(ChangeFailed{key_of(change), alone ? std::strerror(*alone) : alone.error().reason});
  }
}

asio::awaitable<void> WireguardGoDevice::Core::answer_snapshot(Core& core) {
  auto device = co_await exchange_get(core.socket_path);
  if (!device) {
    core.tasks.emplace_front(Snapshot{});
    std::error_code woken;
    core.work.expires_after(kSnapshotRetry);
    if (!core.closed) {
      co_await core.work.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_return;
  }
  for (PeerStatus& peer : device->peers) {
    if (peer.last_handshake) *peer.last_handshake += core.options.clock_offset;
  }
  core.emit(DeviceSnapshot{std::move(device->peers)});
}

asio::awaitable<void> WireguardGoDevice::Core::supervise(std::shared_ptr<Core> core) {
  std::chrono::nanoseconds delay = kRestartDelayMin;
  while (!core->closed) {
    const auto stood_since = Clock::now();
    std::error_code error;
    co_await core->process_end.async_wait(asio::posix::stream_descriptor::wait_read,
                                          asio::redirect_error(asio::use_awaitable, error));
    if (core->closed) co_return;
    if (Clock::now() - stood_since > kRestartDelayMax) delay = kRestartDelayMin;
    core->fall();
    while (!core->closed && !core->link) {
      core->restart.expires_after(delay);
      co_await core->restart.async_wait(asio::redirect_error(asio::use_awaitable, error));
      delay = std::min<std::chrono::nanoseconds>(2 * delay, kRestartDelayMax);
      if (!core->closed && co_await start_again(*core)) core->emit(DeviceReady{core->options.listen_port});
    }
    core->work.cancel();
  }
}

/// True if the interface stands again.
asio::awaitable<bool> WireguardGoDevice::Core::start_again(Core& core) {
  auto standing = co_await bring_up(core.options, core.process);
  if (core.closed) co_return false;
  if (!standing) {
    core.emit(DeviceLost{"wireguard-go could not be started again: " + standing.error().message});
    co_return false;
  }
  core.stand(std::move(*standing));
  core.apply_addresses();
  co_return true;
}

tl::expected<std::unique_ptr<WireguardGoDevice>, DeviceError> WireguardGoDevice::open(
    asio::io_context& context, WireguardGoOptions options) {
  auto core = std::make_shared<Core>(context, std::move(options));
  std::optional<tl::expected<StandingInterface, DeviceError>> result;
  asio::io_context start_up;
  asio::co_spawn(
      start_up,
      [&]() -> asio::awaitable<void> {
        result.emplace(co_await bring_up(core->options, core->process));
      },
      asio::detached);
  start_up.run();
  assert(result.has_value());
  if (!*result) return tl::unexpected(std::move(*result).error());
  core->stand(std::move(**result));
  return std::unique_ptr<WireguardGoDevice>(new WireguardGoDevice(std::move(core)));
}

WireguardGoDevice::WireguardGoDevice(std::shared_ptr<Core> core) : core_(std::move(core)) {}

WireguardGoDevice::~WireguardGoDevice() {
  core_->shut();
}

void WireguardGoDevice::start(Handler handler) {
  assert(!core_->handler && handler);
  core_->handler = std::move(handler);
  asio::co_spawn(core_->context, Core::serve(core_), asio::detached);
  asio::co_spawn(core_->context, Core::supervise(core_), asio::detached);
}

void WireguardGoDevice::apply(std::vector<PeerChange> changes) {
  Changes batch;
  for (PeerChange& change : changes) {
    if (!core_->link || core_->queued_changes == kChangesQueuedMax) {
      core_->emit_soon(ChangeFailed{
          key_of(change), core_->link ? "too many changes are waiting" : "the interface is lost"});
      continue;
    }
    ++core_->queued_changes;
    batch.list.push_back(std::move(change));
    if (batch.list.size() < kChangesPerRequestMax) continue;
    core_->tasks.emplace_back(std::exchange(batch, {}));
  }
  if (!batch.list.empty()) core_->tasks.emplace_back(std::move(batch));
  core_->work.cancel();
}

void WireguardGoDevice::request_snapshot() {
  const bool owed = !core_->tasks.empty() && std::holds_alternative<Snapshot>(core_->tasks.back());
  if (!owed) core_->tasks.emplace_back(Snapshot{});
  core_->work.cancel();
}

void WireguardGoDevice::set_addresses(std::vector<Prefix> addresses) {
  core_->addresses = std::move(addresses);
  if (core_->link) core_->apply_addresses();
}

std::uint16_t WireguardGoDevice::listen_port() const {
  return core_->options.listen_port;
}

const std::vector<std::string>& WireguardGoDevice::notes() const {
  return core_->notes;
}

bool WireguardGoDevice::adopted() const {
  return core_->adopted;
}

void WireguardGoDevice::close() {
  core_->shut();
  if (!core_->process) return;
  const bool by_itself = core_->process->stop(kStopPatience);
  core_->process.reset();
  core_->link.reset();
  if (!by_itself) unlink(core_->socket_path.c_str());  // killed: its socket file stays behind
}

}  // namespace kadwire::node
