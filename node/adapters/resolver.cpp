#include "node/adapters/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <asio/post.hpp>

#include "node/adapters/socket_address.h"

namespace kadwire::node {
namespace {

using Addresses = tl::expected<std::vector<IpAddress>, ResolveError>;

Resolver::Result with_port(const Addresses& addresses, std::uint16_t port) {
  if (!addresses) return tl::unexpected(addresses.error());
  std::vector<Endpoint> endpoints;
  for (const IpAddress& address : *addresses) endpoints.push_back({address, port});
  return endpoints;
}

/// The one thing a lookup thread shares with the loop: where to post, while there is a where.
struct Mailbox {
  std::mutex mutex;
  asio::io_context* context;  ///< guarded by mutex; nullptr once the resolver is gone

  explicit Mailbox(asio::io_context& loop) : context(&loop) {}

  template <typename Delivery>
  void post(Delivery delivery) {
    const std::lock_guard lock(mutex);
    if (context != nullptr) asio::post(*context, std::move(delivery));
  }
  void close() {
    const std::lock_guard lock(mutex);
    context = nullptr;
  }
};

}  // namespace

/// Everything about lookups that only the loop's thread touches. Handlers stay here, so that none
/// is ever destroyed by a lookup thread.
struct Resolver::Desk : std::enable_shared_from_this<Desk> {
  struct Waiting {
    std::string host;
    std::uint16_t port = 0;
    Handler handler;
  };

  Desk(asio::io_context& loop, Lookup lookup_function)
      : context(loop),
        mailbox(std::make_shared<Mailbox>(loop)),
        lookup(std::move(lookup_function)) {}

  void answer_soon(Handler handler, Result result);
  void start_next();
  void finish(std::uint64_t id, const Addresses& addresses);

  asio::io_context& context;
  std::shared_ptr<Mailbox> mailbox;
  Lookup lookup;
  std::deque<Waiting> queue;
  std::map<std::uint64_t, Waiting> under_way;
  std::uint64_t next_id = 0;
};

void Resolver::Desk::answer_soon(Handler handler, Result result) {
  asio::post(context, [weak = weak_from_this(), handler = std::move(handler),
                       result = std::move(result)]() mutable {
    if (weak.lock()) handler(std::move(result));
  });
}

void Resolver::Desk::start_next() {
  while (!queue.empty() && under_way.size() < kLookupsUnderWayMax) {
    const std::uint64_t id = next_id++;
    auto work = [function = lookup, host = queue.front().host, box = mailbox,
                 weak = weak_from_this(), id] {
      box->post([weak, id, addresses = function(host)] {
        if (const auto desk = weak.lock()) desk->finish(id, addresses);
      });
    };
    Waiting waiting = std::move(queue.front());
    queue.pop_front();
    try {
      std::thread(std::move(work)).detach();
      under_way.emplace(id, std::move(waiting));
    } catch (const std::system_error& error) {
      answer_soon(std::move(waiting.handler),
                  tl::unexpected(ResolveError{"Host name " + waiting.host +
                                              " was not looked up: " + error.what() + "."}));
    }
  }
}

void Resolver::Desk::finish(std::uint64_t id, const Addresses& addresses) {
  auto node = under_way.extract(id);
  start_next();
  node.mapped().handler(with_port(addresses, node.mapped().port));
}

Resolver::Resolver(asio::io_context& context, Lookup lookup)
    : desk_(std::make_shared<Desk>(context, std::move(lookup))) {}

Resolver::~Resolver() {
  desk_->mailbox->close();
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Handler handler) {
  if (const auto address = IpAddress::parse(host)) {
    desk_->answer_soon(std::move(handler), std::vector{Endpoint{*address, port}});
  } else if (desk_->queue.size() >= kLookupsQueuedMax) {
    desk_->answer_soon(
        std::move(handler),
        tl::unexpected(ResolveError{"Host name " + host +
                                    " was not looked up: too many lookups are waiting already."}));
  } else {
    desk_->queue.push_back({host, port, std::move(handler)});
    desk_->start_next();
  }
}

tl::expected<std::vector<IpAddress>, ResolveError> Resolver::system_lookup(
    const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    return tl::unexpected(
        ResolveError{"Host name " + host + " cannot be resolved: " + gai_strerror(error) + "."});
  }
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto endpoint = to_endpoint(entry->ai_addr, entry->ai_addrlen);
    if (!endpoint || addresses.size() == kAddressesPerNameMax) continue;
    if (std::ranges::find(addresses, endpoint->address) == addresses.end()) {
      addresses.push_back(endpoint->address);
    }
  }
  freeaddrinfo(list);
  if (addresses.empty()) {
    return tl::unexpected(ResolveError{"Host name " + host + " has no address."});
  }
  return addresses;
}

}  // namespace kadwire::node
