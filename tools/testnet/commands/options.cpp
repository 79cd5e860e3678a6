#include "tools/testnet/commands/options.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "node/control/text.h"

namespace kadwire::testnet {

tl::expected<std::uint64_t, std::string> parse_seed(std::string_view text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc{} && stopped == end) return seed;
  return tl::unexpected(fmt::format("'{}' is no seed; 0 to {}", control::printable(text),
                                    std::numeric_limits<std::uint64_t>::max()));
}

CLI::Option* add_seed_option(CLI::App& command, const std::string& name, std::uint64_t& seed,
                             const std::string& description) {
  const auto read = [name, &seed](const std::string& text) {
    const auto parsed = parse_seed(text);
    if (!parsed) throw CLI::ValidationError(name, parsed.error());
    seed = *parsed;
  };
  return command.add_option_function<std::string>(name, read, description)->type_name("N");
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items(1);
  int depth = 0;
  bool quoted = false;
  for (const char letter : text) {
    if (letter == '"') quoted = !quoted;
    if (!quoted && (letter == '(' || letter == '[' || letter == '{')) ++depth;
    if (!quoted && (letter == ')' || letter == ']' || letter == '}')) --depth;
    if (letter == ',' && depth <= 0 && !quoted) {
      items.emplace_back();
    } else {
      items.back() += letter;
    }
  }
  return items;
}

CLI::Option* add_list_option(CLI::App& command, const std::string& name,
                             std::vector<std::string>& items, const std::string& description) {
  const auto read = [&items](const std::string& text) { items = split_list(text); };
  return command.add_option_function<std::string>(name, read, description);
}

}  // namespace kadwire::testnet
