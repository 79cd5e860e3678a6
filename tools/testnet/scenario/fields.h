#pragma once

/// How a table of a scenario is read: a list of fields, each of which knows its key, what its value
/// may be, and where it goes. Unknown keys and bad values are reported, and reading goes on.
/// Internal to the parser: nobody else sees toml++.

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/testnet/scenario/scenario_error.h"
#include "tools/testnet/scenario/values.h"

namespace kadwire::testnet {

/// Collects what is wrong.
class ErrorList {
 public:
  /// At most kScenarioErrorsMax are kept.
  void add(const toml::source_region& where, std::string field, std::string message);
  [[nodiscard]] bool empty() const { return errors_.empty(); }
  /// By file, line and column.
  [[nodiscard]] std::vector<ScenarioError> take();

 private:
  std::vector<ScenarioError> errors_;
};

/// A table, or one value, under the name by which errors call it: "groups.homes".
template <typename Node>
struct Place {
  std::string path;
  const Node* node;  ///< never null

  Place(std::string name, const Node& value) : path(std::move(name)), node(&value) {}

  void refuse(ErrorList& errors, std::string message) const {
    errors.add(node->source(), path, std::move(message));
  }
};
using TablePlace = Place<toml::table>;
using ValuePlace = Place<toml::node>;

/// "links" and "home" make "links.home".
[[nodiscard]] std::string join_path(std::string_view path, std::string_view key);

template <typename Target>
struct Field {
  std::string name;
  std::function<void(Target&, const ValuePlace&, ErrorList&)> read;
};
template <typename Target>
using Fields = std::vector<Field<Target>>;

/// What a value may be: gives it, or what is wrong with it.
template <typename T>
using Reader = std::function<Parsed<T>(const toml::node&)>;

/// The key `name` sets `member`.
template <typename Target, typename Member, typename T>
Field<Target> field(std::string name, Member Target::*member, Reader<T> reader) {
  return {std::move(name), [member, reader = std::move(reader)](
                               Target& target, const ValuePlace& value, ErrorList& errors) {
            auto parsed = reader(*value.node);
            if (!parsed) return value.refuse(errors, parsed.error());
            target.*member = std::move(*parsed);
          }};
}

/// The same for a member of a member.
template <typename Target, typename Outer, typename Member, typename T>
Field<Target> field(std::string name, Outer Target::*outer, Member Outer::*member,
                    Reader<T> reader) {
  auto inner = field(std::move(name), member, std::move(reader));
  return {std::move(inner.name), [outer, read = std::move(inner.read)](
                                     Target& target, const ValuePlace& value, ErrorList& errors) {
            read(target.*outer, value, errors);
          }};
}

// What values may be.

/// Anything that `parse` makes of a text in quotes.
template <typename T>
Reader<T> text_as(Parsed<T> (*parse)(std::string_view)) {
  return [parse](const toml::node& node) -> Parsed<T> {
    const auto text = node.value_exact<std::string>();
    if (!text) return tl::unexpected<std::string>("needs a text in quotes");
    return parse(*text);
  };
}
[[nodiscard]] Reader<Duration> duration_between(Duration low, Duration high);
[[nodiscard]] Reader<DurationRange> range_between(Duration low, Duration high);
[[nodiscard]] Reader<std::size_t> whole_between(std::size_t low, std::size_t high);
[[nodiscard]] Reader<double> number_between(double low, double high);
/// A size in quotes, or a whole number of bytes.
[[nodiscard]] Reader<std::size_t> size_between(std::size_t low, std::size_t high);
/// "5%" or 0.05.
[[nodiscard]] Reader<double> share();
[[nodiscard]] Reader<bool> flag();
/// A line of text without control characters.
[[nodiscard]] Reader<std::string> line_of_text();
[[nodiscard]] Reader<std::vector<std::string>> list_of_texts();

/// "'rebot' is unknown; did you mean 'reboot'?", or, without a good guess, all that is known.
[[nodiscard]] std::string unknown_word(std::string_view word,
                                       const std::vector<std::string>& known);

/// One of these words.
template <typename T>
Reader<T> one_of(std::vector<std::pair<std::string, T>> words) {
  return [words = std::move(words)](const toml::node& node) -> Parsed<T> {
    const auto text = node.value_exact<std::string>();
    if (!text) return tl::unexpected<std::string>("needs a text in quotes");
    std::vector<std::string> known;
    for (const auto& [word, value] : words) {
      if (word == *text) return value;
      known.push_back(word);
    }
    return tl::unexpected(unknown_word(*text, known));
  };
}

// Tables.

/// The table at this key; nullopt if it is missing, or no table, which is reported.
[[nodiscard]] std::optional<TablePlace> find_table(const TablePlace& in, std::string_view key,
                                                   ErrorList& errors);
/// The tables of a table such as [links], in the order of the file; whatever is none, or has no
/// proper name (values.h, is_name), is reported.
[[nodiscard]] std::vector<std::pair<std::string, TablePlace>> named_tables(const TablePlace& in,
                                                                           std::string_view key,
                                                                           ErrorList& errors);
/// Reports the keys of `table` that are not in `known`.
void refuse_unknown_keys(const TablePlace& table, const std::vector<std::string>& known,
                         ErrorList& errors);

template <typename Target>
std::vector<std::string> names_of(const Fields<Target>& fields) {
  std::vector<std::string> names;
  for (const Field<Target>& each : fields) names.push_back(each.name);
  return names;
}

/// Reads the table into `target`, in the order of the fields.
template <typename Target>
void read_fields(const Fields<Target>& fields, const TablePlace& table, Target& target,
                 ErrorList& errors) {
  for (const Field<Target>& each : fields) {
    const toml::node* node = table.node->get(each.name);
    if (node != nullptr) each.read(target, {join_path(table.path, each.name), *node}, errors);
  }
  refuse_unknown_keys(table, names_of(fields), errors);
}

/// The key `name` is a table of its own: `member` is made afresh from it.
template <typename Target, typename Member, typename Inner>
Field<Target> table_field(std::string name, Member Target::*member, const Fields<Inner>& fields) {
  return {std::move(name),
          [member, &fields](Target& target, const ValuePlace& value, ErrorList& errors) {
            const toml::table* table = value.node->as_table();
            if (table == nullptr) return value.refuse(errors, "needs a table, as { key = value }");
            Inner inner;
            read_fields(fields, {value.path, *table}, inner, errors);
            target.*member = std::move(inner);
          }};
}

}  // namespace kadwire::testnet
