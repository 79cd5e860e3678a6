#include "node/adapters/rtnetlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace kadwire::node {
namespace {

/// libmnl's advice: a page, at most 8 KiB. Requests are far smaller; dumps come in such pieces.
constexpr std::size_t kMessageBytesMax = 8192;
/// The kernel answers within microseconds; this only ends a wait that would otherwise never end.
constexpr timeval kAnswerTimeout{2, 0};
constexpr int kDumpAttemptsMax = 8;

using MessageBuffer = std::array<char, kMessageBytesMax>;

nlmsghdr* new_request(MessageBuffer& buffer, int type, int flags) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = static_cast<std::uint16_t>(type);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  return message;
}

template <typename Header>
Header* put_header(nlmsghdr* message) {
  return static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
}

NetlinkError failure(std::string_view what, int error) {
  std::string message(what);
  message.append(": ").append(std::strerror(error));
  if (error == EPERM) message += " (CAP_NET_ADMIN is needed)";
  message += '.';
  return {std::move(message)};
}

/// Calls `visit(type, attribute)` for each attribute between `begin` and `end`.
template <typename Visit>
void for_each_attribute(const void* begin, const void* end, Visit visit) {
  const auto* attribute = static_cast<const nlattr*>(begin);
  const auto* tail = static_cast<const char*>(end);
  while (
      mnl_attr_ok(attribute, static_cast<int>(tail - reinterpret_cast<const char*>(attribute)))) {
    visit(mnl_attr_get_type(attribute), attribute);
    attribute = mnl_attr_next(attribute);
  }
}

template <typename Header, typename Visit>
void for_each_attribute_after(const nlmsghdr* message, Visit visit) {
  for_each_attribute(mnl_nlmsg_get_payload_offset(message, sizeof(Header)),
                     mnl_nlmsg_get_payload_tail(message), visit);
}

template <typename Visit>
void for_each_nested(const nlattr* nest, Visit visit) {
  const auto* payload = static_cast<const char*>(mnl_attr_get_payload(nest));
  for_each_attribute(payload, payload + mnl_attr_get_payload_len(nest), visit);
}

std::string text_of(const nlattr* attribute) {
  const char* text = mnl_attr_get_str(attribute);
  return {text, strnlen(text, mnl_attr_get_payload_len(attribute))};
}

std::uint32_t u32_of(const nlattr* attribute) {
  std::uint32_t value = 0;
  if (mnl_attr_get_payload_len(attribute) == sizeof value) value = mnl_attr_get_u32(attribute);
  return value;
}

std::optional<IpAddress> address_of(const nlattr* attribute) {
  return IpAddress::from_bytes({static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
                                mnl_attr_get_payload_len(attribute)});
}

std::optional<Link> parse_link(const nlmsghdr* message) {
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  Link link;
  link.index = static_cast<std::uint32_t>(header->ifi_index);
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = link.up && (header->ifi_flags & IFF_RUNNING) != 0;
  for_each_attribute_after<ifinfomsg>(message, [&](int type, const nlattr* attribute) {
    if (type == IFLA_IFNAME) link.name = text_of(attribute);
    if (type == IFLA_MTU) link.mtu_bytes = u32_of(attribute);
    if (type != IFLA_LINKINFO) return;
    for_each_nested(attribute, [&](int nested_type, const nlattr* nested) {
      if (nested_type == IFLA_INFO_KIND) link.kind = text_of(nested);
    });
  });
  return link;
}

std::optional<InterfaceAddress> parse_address(const nlmsghdr* message) {
  const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  std::optional<IpAddress> own, other;
  std::uint32_t flags = header->ifa_flags;
  for_each_attribute_after<ifaddrmsg>(message, [&](int type, const nlattr* attribute) {
    if (type == IFA_LOCAL) own = address_of(attribute);
    if (type == IFA_ADDRESS) other = address_of(attribute);  // the far end, if IFA_LOCAL is there
    if (type == IFA_FLAGS) flags = u32_of(attribute);
  });
  if (!own) own = other;
  if (!own || header->ifa_prefixlen > own->bits()) return std::nullopt;
  InterfaceAddress address;
  address.link_index = header->ifa_index;
  address.prefix = {*own, header->ifa_prefixlen};
  address.deprecated = (flags & IFA_F_DEPRECATED) != 0;
  address.tentative = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
  address.temporary = own->is_v6() && (flags & IFA_F_TEMPORARY) != 0;
  return address;
}

/// Takes a multipath route's first next hop; leaves the route as it is if there is none.
void read_first_next_hop(const nlattr* multipath, InterfaceRoute& route) {
  const auto* payload = static_cast<const char*>(mnl_attr_get_payload(multipath));
  rtnexthop hop;
  if (mnl_attr_get_payload_len(multipath) < sizeof hop) return;
  std::memcpy(&hop, payload, sizeof hop);
  if (hop.rtnh_len < sizeof hop || hop.rtnh_len > mnl_attr_get_payload_len(multipath)) return;
  route.link_index = static_cast<std::uint32_t>(hop.rtnh_ifindex);
  for_each_attribute(payload + sizeof hop, payload + hop.rtnh_len,
                     [&](int type, const nlattr* attribute) {
                       if (type == RTA_GATEWAY) route.gateway = address_of(attribute);
                     });
}

std::optional<IpAddress> any_address(int family) {
  if (family == AF_INET) return IpAddress{};
  if (family == AF_INET6) return IpAddress::v6({});
  return std::nullopt;
}

std::optional<InterfaceRoute> parse_route(const nlmsghdr* message) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  if (header->rtm_type != RTN_UNICAST) return std::nullopt;
  if ((header->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  std::uint32_t table = header->rtm_table;
  std::optional<IpAddress> destination;
  InterfaceRoute route;
  for_each_attribute_after<rtmsg>(message, [&](int type, const nlattr* attribute) {
    if (type == RTA_TABLE) table = u32_of(attribute);
    if (type == RTA_DST) destination = address_of(attribute);
    if (type == RTA_OIF) route.link_index = u32_of(attribute);
    if (type == RTA_GATEWAY) route.gateway = address_of(attribute);
    if (type == RTA_PRIORITY) route.metric = u32_of(attribute);
    if (type == RTA_MULTIPATH) read_first_next_hop(attribute, route);
  });
  // A default route has no destination.
  if (header->rtm_dst_len == 0) destination = any_address(header->rtm_family);
  if (table == RT_TABLE_LOCAL || !destination || header->rtm_dst_len > destination->bits()) {
    return std::nullopt;
  }
  route.prefix = {*destination, header->rtm_dst_len};
  return route;
}

}  // namespace

void Rtnetlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

tl::expected<Rtnetlink, NetlinkError> Rtnetlink::open() {
  constexpr std::string_view kWhat = "The kernel's routing socket cannot be opened";
  std::unique_ptr<mnl_socket, Close> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    return tl::unexpected(failure(kWhat, errno));
  }
  setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout,
             sizeof kAnswerTimeout);
  return Rtnetlink(std::move(socket));
}

template <typename OnMessage>
int Rtnetlink::transact(nlmsghdr* request, OnMessage on_message) {
  request->nlmsg_seq = ++sequence_;
  const unsigned port = mnl_socket_get_portid(socket_.get());
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return errno;
  const mnl_cb_t forward = [](const nlmsghdr* message, void* data) {
    (*static_cast<OnMessage*>(data))(message);
    return MNL_CB_OK;
  };
  MessageBuffer buffer;
  for (;;) {  // ends with the kernel's own end mark, an error, or kAnswerTimeout
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    const int verdict = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), sequence_, port,
                                   forward, &on_message);
    if (verdict == MNL_CB_STOP) return 0;
    // The late answer to a request that timed out: the answer to this one is still to come.
    if (verdict == MNL_CB_ERROR && errno != EPROTO) return errno;
  }
}

template <typename Entry, typename Parse>
tl::expected<std::vector<Entry>, NetlinkError> Rtnetlink::dump(int type, std::size_t header_bytes,
                                                               std::string_view what, Parse parse) {
  int error = 0;
  for (int attempt = 0; attempt < kDumpAttemptsMax; ++attempt) {
    MessageBuffer buffer;
    nlmsghdr* request = new_request(buffer, type, NLM_F_DUMP);
    mnl_nlmsg_put_extra_header(request, header_bytes);  // zeroes: every family
    std::vector<Entry> entries;
    error = transact(request, [&](const nlmsghdr* message) {
      if (message->nlmsg_len < NLMSG_HDRLEN + header_bytes) return;
      if (entries.size() == kNetlinkEntriesMax) return;
      if (auto entry = parse(message)) entries.push_back(std::move(*entry));
    });
    if (error == 0) return entries;
    if (error != EINTR) break;  // EINTR: the listing changed while it was read
    auto fresh = open();        // the rest of this listing would still come over the old socket
    if (!fresh) return tl::unexpected(std::move(fresh).error());
    *this = std::move(*fresh);
  }
  return tl::unexpected(failure(what, error));
}

tl::expected<std::vector<Link>, NetlinkError> Rtnetlink::links() {
  return dump<Link>(RTM_GETLINK, sizeof(ifinfomsg), "The network interfaces cannot be listed",
                    parse_link);
}

tl::expected<std::optional<Link>, NetlinkError> Rtnetlink::find_link(std::string_view name) {
  auto all = links();
  if (!all) return tl::unexpected(std::move(all).error());
  const auto found = std::ranges::find(*all, name, &Link::name);
  return found == all->end() ? std::nullopt : std::optional(std::move(*found));
}

tl::expected<std::vector<InterfaceAddress>, NetlinkError> Rtnetlink::addresses() {
  return dump<InterfaceAddress>(RTM_GETADDR, sizeof(ifaddrmsg),
                                "The interfaces' addresses cannot be listed", parse_address);
}

tl::expected<std::vector<InterfaceRoute>, NetlinkError> Rtnetlink::routes(
    std::uint32_t left_out_link) {
  return dump<InterfaceRoute>(RTM_GETROUTE, sizeof(rtmsg), "The routes cannot be listed",
                              [left_out_link](const nlmsghdr* message) {
                                auto route = parse_route(message);
                                const bool left_out = route && left_out_link != 0 &&
                                                      route->link_index == left_out_link;
                                return left_out ? std::nullopt : route;
                              });
}

tl::expected<void, NetlinkError> Rtnetlink::set_up(const Link& link, std::uint32_t mtu_bytes) {
  MessageBuffer buffer;
  nlmsghdr* request = new_request(buffer, RTM_NEWLINK, NLM_F_ACK);
  auto* header = put_header<ifinfomsg>(request);
  header->ifi_index = static_cast<int>(link.index);
  header->ifi_flags = IFF_UP;
  header->ifi_change = IFF_UP;
  mnl_attr_put_u32(request, IFLA_MTU, mtu_bytes);
  const int error = transact(request, [](const nlmsghdr*) {});
  if (error == 0) return {};
  return tl::unexpected(failure("Interface " + link.name + " cannot be set up", error));
}

int Rtnetlink::change_address(int type, const Link& link, const Prefix& prefix) {
  MessageBuffer buffer;
  const int flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0;
  nlmsghdr* request = new_request(buffer, type, NLM_F_ACK | flags);
  auto* header = put_header<ifaddrmsg>(request);
  header->ifa_family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  header->ifa_prefixlen = static_cast<std::uint8_t>(prefix.length);
  header->ifa_index = link.index;
  // Nobody else can have an address derived from our NodeId, and a tunnel has no link to ask on.
  if (prefix.address.is_v6()) header->ifa_flags = IFA_F_NODAD;
  const ByteView bytes = prefix.address.bytes();
  mnl_attr_put(request, IFA_LOCAL, bytes.size(), bytes.data());
  mnl_attr_put(request, IFA_ADDRESS, bytes.size(), bytes.data());
  return transact(request, [](const nlmsghdr*) {});
}

tl::expected<void, NetlinkError> Rtnetlink::set_addresses(const Link& link,
                                                          std::span<const Prefix> wanted) {
  std::optional<NetlinkError> first_error;
  const auto note = [&](std::string_view what, const Prefix& prefix, int error) {
    if (error == 0 || first_error) return;
    first_error = failure("Address " + prefix.to_string() + " cannot be " + std::string(what) +
                              " interface " + link.name,
                          error);
  };
  const auto current = addresses();
  if (!current) return tl::unexpected(current.error());
  for (const InterfaceAddress& address : *current) {
    if (address.link_index != link.index || address.prefix.address.is_link_local()) continue;
    if (std::ranges::find(wanted, address.prefix) != wanted.end()) continue;
    const int error = change_address(RTM_DELADDR, link, address.prefix);
    // Removing an IPv4 network's first address takes the others of that network along.
    note("removed from", address.prefix, error == EADDRNOTAVAIL ? 0 : error);
  }
  // All of them again, whatever went along above: adding what is there changes nothing.
  for (const Prefix& prefix : wanted) {
    note("added to", prefix, change_address(RTM_NEWADDR, link, prefix));
  }
  if (first_error) return tl::unexpected(std::move(*first_error));
  return {};
}

tl::expected<void, NetlinkError> Rtnetlink::delete_link(const Link& link) {
  MessageBuffer buffer;
  nlmsghdr* request = new_request(buffer, RTM_DELLINK, NLM_F_ACK);
  put_header<ifinfomsg>(request)->ifi_index = static_cast<int>(link.index);
  const int error = transact(request, [](const nlmsghdr*) {});
  if (error == 0 || error == ENODEV) return {};
  return tl::unexpected(failure("Interface " + link.name + " cannot be removed", error));
}

}  // namespace kadwire::node
