#include "tools/lab/proc_stats.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "tools/lab/process.h"

namespace kadwire::lab {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string network_of(pid_t pid) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/ns/net", error).string();
}

}  // namespace

std::optional<ProcessUsage> parse_process_stat(std::string_view stat,
                                               std::uint64_t ticks_per_second,
                                               std::uint64_t page_bytes) {
  // proc(5): "pid (name) state ppid …". The name may itself hold spaces and parentheses.
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || open == 0 ||
      close < open) {
    return std::nullopt;
  }
  const auto pid = parse_number<pid_t>(stat.substr(0, open - 1));
  const auto words = words_of(stat.substr(close + 1));
  constexpr std::size_t kUserTime = 11, kSystemTime = 12, kResidentPages = 21;  // after the name
  if (!pid || words.size() <= kResidentPages) return std::nullopt;
  const auto user = parse_number<std::uint64_t>(words[kUserTime]);
  const auto system = parse_number<std::uint64_t>(words[kSystemTime]);
  const auto pages = parse_number<std::uint64_t>(words[kResidentPages]);
  if (!user || !system || !pages) return std::nullopt;
  const auto cpu = std::chrono::milliseconds((*user + *system) * 1000 / ticks_per_second);
  return ProcessUsage{.pid = *pid,
                      .name = std::string(stat.substr(open + 1, close - open - 1)),
                      .resident_bytes = *pages * page_bytes,
                      .cpu = cpu};
}

std::optional<InterfaceCounters> parse_net_dev(std::string_view table, std::string_view interface) {
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto name = words_of(std::string_view(line).substr(0, colon));
    if (name.size() != 1 || name.front() != interface) continue;
    const auto words = words_of(std::string_view(line).substr(colon + 1));
    constexpr std::size_t kTransmit = 8;  // eight columns are received, then eight are sent
    if (words.size() < kTransmit + 2) return std::nullopt;
    std::array<std::uint64_t, 4> values{};
    constexpr std::array<std::size_t, 4> kColumns = {0, kTransmit, 1, kTransmit + 1};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = parse_number<std::uint64_t>(words[kColumns[i]]).value_or(0);
    }
    return InterfaceCounters{values[0], values[1], values[2], values[3]};
  }
  return std::nullopt;
}

bool udp_table_has_port(std::string_view table, std::uint16_t port) {
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    if (words.size() < 2) continue;
    const std::string_view local = words[1];  // "address:port" in hexadecimal
    const std::size_t colon = local.rfind(':');
    if (colon == std::string_view::npos) continue;
    if (parse_number<std::uint16_t>(local.substr(colon + 1), 16) == port) return true;
  }
  return false;
}

std::optional<ProcessUsage> process_usage(pid_t pid) {
  return parse_process_stat(read_text("/proc/" + std::to_string(pid) + "/stat"),
                            static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)),
                            static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

std::vector<pid_t> processes_in_network_of(pid_t pid) {
  const std::string network = network_of(pid);
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto candidate = parse_number<pid_t>(entry.path().filename().string());
    if (candidate && !network.empty() && network_of(*candidate) == network) {
      found.push_back(*candidate);
    }
  }
  return found;
}

}  // namespace kadwire::lab
