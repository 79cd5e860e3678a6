/// Properties of pair messages on any bytes: what is decoded has one encoding, the one that was
/// read, and means the same when decoded again; nothing in it is larger than its own maximum.

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>

#include "rendezvous/frame.h"
#include "rendezvous/pair_message.h"
#include "rendezvous/peer_record.h"

namespace {

using namespace kadwire;
using namespace kadwire::rendezvous;

void check_bounds(const PairMessage& message) {
  if (const auto* update = std::get_if<RecordUpdate>(&message)) {
    assert(!update->record.empty() && update->record.size() <= kRecordBytesMax);
  } else if (const auto* forward = std::get_if<Forward>(&message)) {
    assert(!forward->frame.empty() && forward->frame.size() <= kFrameBytesMax);
  } else if (const auto* forwarded = std::get_if<Forwarded>(&message)) {
    assert(!forwarded->frame.empty() && forwarded->frame.size() <= kFrameBytesMax);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto message = decode_pair_message(input);
  if (!message) return 0;
  check_bounds(*message);
  const Bytes again = encode_pair_message(*message);
  assert(std::ranges::equal(again, input));
  assert(decode_pair_message(again) == message);
  return 0;
}
