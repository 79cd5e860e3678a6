#pragma once

/// Host names to endpoints, off the event loop. A lookup runs in a thread of its own that is never
/// joined: a name server that does not answer delays neither the loop nor the end of the process
/// (asio's own resolver would wait for it).

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "node/base/endpoint.h"

namespace kadwire::node {

/// Threads under way at once; a resolver that hangs holds one for libc's time-out (some 10 s).
inline constexpr std::size_t kLookupsUnderWayMax = 4;
/// Lookups that wait for a thread; one more is answered with an error.
inline constexpr std::size_t kLookupsQueuedMax = 64;
/// A name with more addresses than this is cut.
inline constexpr std::size_t kAddressesPerNameMax = 16;

/// One clear sentence naming the host and what went wrong.
struct ResolveError {
  std::string message;
};

class Resolver {
 public:
  using Result = tl::expected<std::vector<Endpoint>, ResolveError>;
  using Handler = std::function<void(Result)>;
  /// What runs in the thread: blocks, and must not refer to anything that may end before it.
  using Lookup =
      std::function<tl::expected<std::vector<IpAddress>, ResolveError>(const std::string& host)>;

  /// `context` must outlive this object; handlers run on its one thread.
  explicit Resolver(asio::io_context& context, Lookup lookup = system_lookup);
  /// Waits for nobody: handlers of lookups under way are dropped.
  ~Resolver();

  /// Calls `handler` once, never from inside: with at least one endpoint, each address once, in the
  /// system's order of preference, or with an error. A numeric address needs no thread.
  /// A lookup under way does not keep the loop running.
  void resolve(const std::string& host, std::uint16_t port, Handler handler);

  /// getaddrinfo, both families.
  [[nodiscard]] static tl::expected<std::vector<IpAddress>, ResolveError> system_lookup(
      const std::string& host);

 private:
  struct Desk;
  std::shared_ptr<Desk> desk_;  ///< shared with posted handlers; ours alone on the loop's thread
};

}  // namespace kadwire::node
