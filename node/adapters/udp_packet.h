#pragma once

/// UDP inside IP, as bytes: what a packet off the wire carries, and the header in front of a
/// payload of ours (RFC 768, 791, 8200). Pure. Not here: sockets, and what the payload says.
///
/// A packet is read before the host's IP layer has seen it, so what that layer would refuse is
/// refused here: a wrong length or IPv4 header checksum, an address that nobody can have. Refused
/// too, because nothing that we wait for comes so: fragments, IPv4 options, IPv6 extension headers.
/// Deviation: a received UDP checksum is not looked at. Between virtual interfaces it is left for a
/// network card to finish, and on the wire the payload's own seal says more.

#include <cstdint>

#include <tl/expected.hpp>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"

namespace kadwire::node {

inline constexpr std::size_t kIpv4HeaderBytes = 20;
inline constexpr std::size_t kIpv6HeaderBytes = 40;
inline constexpr std::size_t kUdpHeaderBytes = 8;
/// What IPv4's 16-bit total length leaves; one limit for both families.
inline constexpr std::size_t kUdpPayloadBytesMax = 65535 - kIpv4HeaderBytes - kUdpHeaderBytes;

struct UdpPacket {
  Endpoint from;
  Endpoint to;
  ByteView payload;  ///< a view into the packet
};

enum class UdpPacketError {
  kTruncated,   ///< ends before its headers do, or before the length that they tell
  kMalformed,   ///< lengths that contradict each other, or a wrong IPv4 header checksum
  kForeign,     ///< another protocol or IP version, a fragment, options or extension headers
  kBadAddress,  ///< port 0; an unspecified, multicast or (in IPv6) IPv4-mapped address
};

/// Reads a whole packet that begins with its IP header. What follows the IP packet (a short
/// Ethernet frame is padded) or the UDP datagram is left out.
[[nodiscard]] tl::expected<UdpPacket, UdpPacketError> parse_udp_packet(ByteView packet);

/// A UDP header and `payload`, which has at most kUdpPayloadBytesMax bytes. The checksum is zero.
[[nodiscard]] Bytes encode_udp(std::uint16_t from_port, std::uint16_t to_port, ByteView payload);

/// The checksum over pseudo-header and `segment`, whose checksum field is zero (RFC 768, RFC 8200
/// §8.1): never zero itself, which would mean "none". Both addresses are of one family.
[[nodiscard]] std::uint16_t udp_checksum(const IpAddress& source, const IpAddress& destination,
                                         ByteView segment);
/// Writes udp_checksum into what encode_udp made.
void fill_in_checksum(Bytes& segment, const IpAddress& source, const IpAddress& destination);

/// RFC 1071: the complement of the ones' complement sum. Over a header that holds its checksum it
/// is zero if that is right.
[[nodiscard]] std::uint16_t internet_checksum(ByteView bytes);

}  // namespace kadwire::node
