#pragma once

/// What a gateway listens for on its inside: PCP (RFC 6887) and NAT-PMP (RFC 6886), by which hosts
/// have it map ports of theirs. Bytes in, bytes out; the mappings themselves are the NatBox's.
/// Written from the RFCs' text, apart from the code that asks (rendezvous/gateway_message).
/// Deviations: UDP alone; an announcement is sent once, not ten times; PCP's options are not read.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/base/bytes.h"
#include "tools/testnet/internet/mapping_model.h"
#include "tools/testnet/internet/nat_box.h"

namespace kadwire::testnet {

class MappingService {
 public:
  explicit MappingService(const MappingServiceModel& model) : model_(model) {}

  /// The mappings are lost: the epoch begins anew.
  void restart(TimePoint now);
  /// What the gateway answers to a host's datagram; nullopt: nothing. `nat` maps; `external` is the
  /// address to tell.
  [[nodiscard]] std::optional<Bytes> answer(TimePoint now, const Endpoint& from, ByteView request,
                                            NatBox& nat, const IpAddress& external);
  /// What it tells all hosts after a restart, a datagram for each protocol.
  [[nodiscard]] std::vector<Bytes> announcements(TimePoint now, const IpAddress& external) const;
  [[nodiscard]] const MappingServiceModel& model() const { return model_; }

 private:
  using Nonce = ByteArray<12>;
  struct PcpRequest;
  [[nodiscard]] std::optional<Bytes> answer_pcp(TimePoint now, const Endpoint& from,
                                                ByteView request, NatBox& nat,
                                                const IpAddress& external);
  [[nodiscard]] std::uint8_t serve_pcp(TimePoint now, const Endpoint& from, PcpRequest& request,
                                       NatBox& nat);
  [[nodiscard]] std::optional<Bytes> answer_nat_pmp(TimePoint now, const Endpoint& from,
                                                    ByteView request, NatBox& nat,
                                                    const IpAddress& external) const;
  [[nodiscard]] Bytes nat_pmp_address(TimePoint now, const IpAddress& external) const;
  [[nodiscard]] Duration granted(std::uint32_t wanted_seconds) const;
  [[nodiscard]] std::uint32_t epoch(TimePoint now) const;

  MappingServiceModel model_;
  TimePoint started_{};               ///< long ago
  std::map<Endpoint, Nonce> owners_;  ///< of mappings by PCP, by inside endpoint
};

}  // namespace kadwire::testnet
