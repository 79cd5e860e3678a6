#include "tools/testnet/scenario/fields.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "node/control/suggest.h"
#include "node/control/text.h"
#include "tools/testnet/scenario/overrides.h"

namespace kadwire::testnet {
namespace {

tl::unexpected<std::string> refusal(std::string message) {
  return tl::unexpected(std::move(message));
}

/// "0 is too few; 1 to 20000".
template <typename T, typename Format>
Parsed<T> bounded(T value, T low, T high, Format format) {
  if (value >= low && value <= high) return value;
  return refusal(fmt::format("{} is too {}; {} to {}", format(value),
                             value < low ? "little" : "much", format(low), format(high)));
}

std::string as_number(double value) {
  return fmt::format("{:g}", value);
}

Parsed<std::size_t> whole_number(std::int64_t number, std::size_t low, std::size_t high) {
  const bool few = number < 0 || static_cast<std::size_t>(number) < low;
  if (few || static_cast<std::size_t>(number) > high) {
    return refusal(fmt::format("{} is too {}; {} to {}", number, few ? "few" : "many", low, high));
  }
  return static_cast<std::size_t>(number);
}

bool is_control(char character) {
  return static_cast<unsigned char>(character) < ' ' || character == '\x7f';
}

}  // namespace

void ErrorList::add(const toml::source_region& where, std::string field, std::string message) {
  if (errors_.size() >= kScenarioErrorsMax) return;
  ScenarioError error{"", where.begin.line, where.begin.column, std::move(field),
                      std::move(message)};
  if (where.path) error.file = *where.path;
  // An override is one line that nobody wrote into a file.
  if (error.file.starts_with(kOverrideSource)) error.line = error.column = 0;
  errors_.push_back(std::move(error));
}

std::vector<ScenarioError> ErrorList::take() {
  std::ranges::stable_sort(errors_, {}, [](const ScenarioError& error) {
    return std::tie(error.file, error.line, error.column);
  });
  return std::move(errors_);
}

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

Reader<Duration> duration_between(Duration low, Duration high) {
  return [low, high](const toml::node& node) -> Parsed<Duration> {
    // Nothing is nothing in any unit.
    if (node.value_exact<std::int64_t>() == 0 && low <= Duration{0}) return Duration{0};
    if (const auto number = node.value_exact<std::int64_t>()) {
      return refusal(fmt::format("{0} has no unit; write it as \"{0}s\"", *number));
    }
    const auto duration = text_as(low < Duration{0} ? parse_signed_duration : parse_duration)(node);
    if (!duration) return refusal(duration.error() + (node.is_string() ? "" : ", as \"5s\""));
    if (*duration >= low && *duration <= high) return *duration;
    return refusal(fmt::format("{} is too {}; {} to {}", format_duration(*duration),
                               *duration < low ? "short" : "long", format_duration(low),
                               format_duration(high)));
  };
}

Reader<DurationRange> range_between(Duration low, Duration high) {
  return [low, high](const toml::node& node) -> Parsed<DurationRange> {
    const auto range = text_as(parse_duration_range)(node);
    if (!range) return refusal(range.error() + (node.is_string() ? "" : ", as \"0s..5s\""));
    if (range->low >= low && range->high <= high) return *range;
    return refusal(fmt::format("{} is not within {}", format_duration_range(*range),
                               format_duration_range({low, high})));
  };
}

Reader<std::size_t> whole_between(std::size_t low, std::size_t high) {
  return [low, high](const toml::node& node) -> Parsed<std::size_t> {
    const auto number = node.value_exact<std::int64_t>();
    if (!number) return refusal("needs a whole number");
    return whole_number(*number, low, high);
  };
}

Reader<double> number_between(double low, double high) {
  return [low, high](const toml::node& node) -> Parsed<double> {
    const auto number = node.is_number() ? node.value<double>() : std::nullopt;
    if (!number || !std::isfinite(*number)) return refusal("needs a number");
    return bounded(*number, low, high, as_number);
  };
}

Reader<std::size_t> size_between(std::size_t low, std::size_t high) {
  return [low, high](const toml::node& node) -> Parsed<std::size_t> {
    if (const auto number = node.value_exact<std::int64_t>()) {
      return whole_number(*number, low, high);
    }
    const auto size = text_as(parse_size)(node);
    if (!size) return refusal(node.is_string() ? size.error() : "needs a size, as \"64KiB\"");
    return bounded(*size, low, high, format_size);
  };
}

Reader<double> share() {
  return [](const toml::node& node) -> Parsed<double> {
    if (node.is_number()) return number_between(0, 1)(node);
    const auto parsed = text_as(parse_share)(node);
    if (!parsed && !node.is_string()) return refusal("needs a share, as \"5%\" or 0.05");
    return parsed;
  };
}

Reader<bool> flag() {
  return [](const toml::node& node) -> Parsed<bool> {
    const auto set = node.value_exact<bool>();
    return set ? Parsed<bool>(*set) : refusal("needs true or false");
  };
}

Reader<std::string> line_of_text() {
  return [](const toml::node& node) -> Parsed<std::string> {
    auto text = node.value_exact<std::string>();
    if (!text) return refusal("needs a text in quotes");
    if (text->size() > kValueBytesMax) return refusal("is longer than 200 bytes");
    if (std::ranges::any_of(*text, is_control)) return refusal("needs to be a single line");
    return std::move(*text);
  };
}

Reader<std::vector<std::string>> list_of_texts() {
  return [](const toml::node& node) -> Parsed<std::vector<std::string>> {
    const toml::array* list = node.as_array();
    std::vector<std::string> texts;
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const auto text = (*list)[i].value_exact<std::string>();
      if (text) texts.push_back(*text);
    }
    if (texts.empty() || texts.size() != list->size()) {
      return refusal("needs a list of texts, as [\"berlin\", \"tokyo\"]");
    }
    return texts;
  };
}

std::string unknown_word(std::string_view word, const std::vector<std::string>& known) {
  const std::string guess = control::suggestion(word, known);
  const std::string shown = control::printable(word.substr(0, kValueBytesMax));
  if (!guess.empty()) return fmt::format("'{}' is unknown{}", shown, guess);
  if (known.empty()) return fmt::format("'{}' is unknown", shown);
  return fmt::format("'{}' is unknown; known: {}", shown, fmt::join(known, ", "));
}

std::optional<TablePlace> find_table(const TablePlace& in, std::string_view key,
                                     ErrorList& errors) {
  const toml::node* node = in.node->get(key);
  if (node == nullptr) return std::nullopt;
  const ValuePlace value{join_path(in.path, key), *node};
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    value.refuse(errors, "needs to be a table");
    return std::nullopt;
  }
  return TablePlace{value.path, *table};
}

std::vector<std::pair<std::string, TablePlace>> named_tables(const TablePlace& in,
                                                             std::string_view key,
                                                             ErrorList& errors) {
  std::vector<std::pair<std::string, TablePlace>> tables;
  const auto section = find_table(in, key, errors);
  if (!section) return tables;
  for (const auto& [name_key, node] : *section->node) {
    const std::string name(name_key.str());
    const ValuePlace value{join_path(section->path, control::printable(name)), node};
    const toml::table* table = node.as_table();
    if (!is_name(name)) {
      errors.add(name_key.source(), value.path,
                 "is no name: a to z, 0 to 9, - and _, 32 characters at most, a letter first");
    } else if (table == nullptr) {
      value.refuse(errors, fmt::format("needs to be a table, as [{}]", value.path));
    } else {
      tables.emplace_back(name, TablePlace{value.path, *table});
    }
  }
  // toml++ sorts by name; people count on the order that they wrote.
  std::ranges::stable_sort(tables, {}, [](const auto& entry) {
    const toml::source_position begin = entry.second.node->source().begin;
    return std::pair(begin.line, begin.column);
  });
  return tables;
}

void refuse_unknown_keys(const TablePlace& table, const std::vector<std::string>& known,
                         ErrorList& errors) {
  for (const auto& [key, node] : *table.node) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    const std::string name = control::printable(key.str().substr(0, kValueBytesMax));
    const std::string guess = control::suggestion(key.str(), known);
    // A key that an override brought in has no source of its own.
    const auto& source = key.source().path ? key.source() : node.source();
    errors.add(source, join_path(table.path, name),
               guess.empty() ? fmt::format("unknown; known here: {}", fmt::join(known, ", "))
                             : "unknown" + guess);
  }
}

}  // namespace kadwire::testnet
