#include "tools/lab/own_cell.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "node/adapters/unique_fd.h"
#include "tools/lab/cell.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

std::string contents_of(const node::UniqueFd& file) {
  std::string text;
  std::array<char, 4096> buffer;
  ::lseek(file.get(), 0, SEEK_SET);
  for (ssize_t size = 0; (size = ::read(file.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

/// Out of the cell by way of a file that both see.
std::string run_in_own_cell(const std::function<Expected<json>()>& measure) {
  const node::UniqueFd file(::memfd_create("found", MFD_CLOEXEC));
  const int code = run_in_cell([&] {
    const auto result = measure();
    const json found = result ? json{{"found", *result}} : json{{"error", result.error().message}};
    const std::string text = found.dump(-1, ' ', false, json::error_handler_t::replace);
    return ::write(file.get(), text.data(), text.size()) > 0 ? 0 : kCellFailed;
  });
  if (code == 0) return contents_of(file);
  return json{{"error", fmt::format("its cell ended with code {}", code)}}.dump();
}

Expected<json> found_in(const testnet::JobResult& result) {
  if (!result) return lab_error(result.error());
  const json answer = json::parse(*result, nullptr, false);
  if (answer.is_object() && answer.contains("found")) return answer["found"];
  return lab_error(answer.is_object() ? answer.value("error", "") : "it said nothing");
}

}  // namespace kadwire::lab
