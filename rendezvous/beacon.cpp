#include "rendezvous/beacon.h"

namespace kadwire::rendezvous {
namespace {

Bytes associated_data(Hour hour) {
  return ByteWriter().text("kadwire beacon v1").be64(hour).take();
}

}  // namespace

Bytes encode_beacon(const crypto::KeySchedule& keys, FrameKeys& frame_keys, Hour hour,
                    ByteView record, RandomSource& random) {
  const Bytes sealed = crypto::seal_padded(keys.group_seal_key(hour), record, kBeaconSealedBytes,
                                           associated_data(hour), random);
  return encode_frame(FrameType::kBeacon, sealed, hour, frame_keys);
}

std::optional<Bytes> open_beacon(const crypto::KeySchedule& keys, FrameKeys& frame_keys, Hour now,
                                 ByteView datagram) {
  if (datagram.size() != kBeaconBytes) return std::nullopt;
  const auto frame = open_frame(datagram, now, frame_keys);
  if (!frame || frame->type != FrameType::kBeacon) return std::nullopt;
  return crypto::open_padded(keys.group_seal_key(frame->hour), frame->payload, kBeaconSealedBytes,
                             associated_data(frame->hour));
}

}  // namespace kadwire::rendezvous
