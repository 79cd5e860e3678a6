#include "node/state_frame.h"

#include <cassert>
#include <limits>
#include <string_view>
#include <tuple>

namespace kadwire::node {
namespace {

constexpr std::string_view kMagic = "kadwire\n";

}  // namespace

StateFrame frame_state(StateKind kind, const crypto::MeshId& mesh, ByteView payload) {
  assert(payload.size() <= std::numeric_limits<std::uint32_t>::max());
  StateFrame frame;
  frame.header = ByteWriter()
                     .text(kMagic)
                     .u8(kStateFormatVersion)
                     .u8(static_cast<std::uint8_t>(kind))
                     .raw(mesh)
                     .be32(static_cast<std::uint32_t>(payload.size()))
                     .take();
  const ByteView parts[] = {frame.header, payload};
  frame.checksum = crypto::checksum(parts);
  return frame;
}

tl::expected<ByteView, StateFault> unframe_state(StateKind kind, const crypto::MeshId& mesh,
                                                 ByteView file) {
  ByteReader reader(file);
  if (as_text(reader.raw(kMagic.size())) != kMagic) return tl::unexpected(StateFault::kForeign);
  // Before the checksum: another version may have another one.
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kStateFormatVersion) {
    return tl::unexpected(StateFault::kOtherVersion);
  }
  const auto file_kind = static_cast<StateKind>(reader.u8());
  const auto file_mesh = reader.array<std::tuple_size_v<crypto::MeshId>>();
  const ByteView payload = reader.raw(reader.be32());
  const auto stored = reader.array<std::tuple_size_v<crypto::Checksum>>();
  if (!reader.finished() || file_kind != kind) return tl::unexpected(StateFault::kDamaged);
  const ByteView covered[] = {file.first(file.size() - stored.size())};
  if (crypto::checksum(covered) != stored) return tl::unexpected(StateFault::kDamaged);
  if (file_mesh != mesh) return tl::unexpected(StateFault::kOtherMesh);
  return payload;
}

}  // namespace kadwire::node
