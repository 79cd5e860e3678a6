#include "tools/testnet/trace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/testnet/seeded_random.h"

namespace kadwire::testnet {

bool Trace::open(const std::string& path) {
  // A copy of stdout's descriptor: whoever closes the trace closes no more than that.
  const int copy = path == "-" ? dup(STDOUT_FILENO) : -1;
  file_.reset(path == "-" ? fdopen(copy, "w") : std::fopen(path.c_str(), "we"));
  return file_ != nullptr;
}

bool Trace::close() {
  std::FILE* const file = file_.release();
  if (file != nullptr && std::fclose(file) != 0 && problem_ == 0) problem_ = errno;
  errno = problem_;
  return problem_ == 0;
}

void Trace::write(std::string_view line) {
  if (problem_ != 0) return;
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size()) problem_ = errno;
}

void Trace::add(std::uint64_t word) {
  hash_ = mix(hash_ ^ word);
}

void Trace::add(ByteView bytes) {
  add(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof(word), bytes.size() - at));
    add(word);
  }
}

void Trace::add_packet(Duration at, std::string_view sender, const Packet& packet, Drop fate) {
  add(static_cast<std::uint64_t>(at.count()));
  add(packet.from.address.bytes());
  add(packet.to.address.bytes());
  add(std::uint64_t{packet.from.port} << 32 | std::uint64_t{packet.to.port} << 8 |
      static_cast<std::uint64_t>(fate));
  add(packet.payload);
  if (!file_) return;
  write(fmt::format("{:.9f} {} {} > {} {} {}\n", std::chrono::duration<double>(at).count(), sender,
                    packet.from.to_string(), packet.to.to_string(), packet.payload.size(),
                    to_text(fate)));
}

void Trace::add_event(Duration at, std::string_view text) {
  add(static_cast<std::uint64_t>(at.count()));
  add(as_bytes(text));
  if (!file_) return;
  write(fmt::format("{:.9f} -- {}\n", std::chrono::duration<double>(at).count(), text));
}

std::string Trace::hash() const {
  return fmt::format("{:016x}", hash_);
}

}  // namespace kadwire::testnet
