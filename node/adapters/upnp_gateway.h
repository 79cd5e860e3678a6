#pragma once

/// One UPnP errand: finds the Internet Gateway Device at the gateway's address (SSDP) and adds or
/// deletes one port mapping (SOAP), with miniupnpc. Blocks for seconds; against a hostile gateway
/// for ever and with all memory, since that library bounds neither: only to be run in a process of
/// its own (upnp_port_mapper).

#include <string>

#include "node/adapters/upnp_reply.h"
#include "rendezvous/upnp_request.h"

namespace kadwire::node {

/// `known_url`: an earlier reply's, asked before anything is searched for; empty: none. Of the
/// mappings that exist, only those of the same own endpoint are replaced or deleted.
[[nodiscard]] UpnpReply ask_upnp_gateway(const rendezvous::UpnpRequest& request,
                                         const std::string& known_url);

/// Whether a URL is plain HTTP at exactly this IPv4 address: a device answers for itself only.
[[nodiscard]] bool is_http_at(const std::string& url, const IpAddress& host);

}  // namespace kadwire::node
