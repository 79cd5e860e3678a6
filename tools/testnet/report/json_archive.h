#pragma once

/// How results_json.cpp lists each struct's fields once and gets both directions from it:
/// `fields(archive, value)` calls archive.field(key, member) for each, and the archive writes the
/// member into an object, or reads it from there. Internal to results_json.cpp.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tools/testnet/report/json_values.h"
#include "tools/testnet/report/results_json.h"

namespace kadwire::testnet {

/// What fields() gets: an archive that reads changes the value, any other must not.
template <typename Archive, typename Value>
using Held = std::conditional_t<Archive::kReads, Value, const Value>;

/// Only gathers the keys.
class KeyList {
 public:
  static constexpr bool kReads = false;
  template <typename Value>
  void field(std::string_view key, const Value&) {
    keys_.emplace_back(key);
  }
  template <typename Row>
  void rows(std::string_view key, const std::vector<Row>&, std::size_t) {
    keys_.emplace_back(key);
  }
  template <typename Row>
  void columns(std::string_view key, const std::vector<Row>&, std::size_t) {
    keys_.emplace_back(key);
  }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }

 private:
  std::vector<std::string> keys_;
};

/// The keys of `Value`, in order.
template <typename Value>
std::vector<std::string> keys_of() {
  KeyList list;
  const Value value{};
  fields(list, value);
  return list.keys();
}

/// Puts row after row at the ends of an object's arrays.
class ColumnWriter {
 public:
  static constexpr bool kReads = false;
  explicit ColumnWriter(Json& columns) : columns_(columns) {}
  template <typename Value>
  void field(std::string_view key, const Value& value) {
    columns_[std::string(key)].push_back(json_value(value));
  }

 private:
  Json& columns_;
};

/// Puts a struct into an object.
class ObjectWriter {
 public:
  static constexpr bool kReads = false;
  explicit ObjectWriter(Json& object) : object_(object) {}

  template <typename Value>
  void field(std::string_view key, const Value& value) {
    object_[std::string(key)] = json_value(value);
  }
  /// An array of objects.
  template <typename Row>
  void rows(std::string_view key, const std::vector<Row>& rows, std::size_t) {
    Json array = Json::array();
    for (const Row& row : rows) {
      Json object = Json::object();
      ObjectWriter writer(object);
      fields(writer, row);
      array.push_back(std::move(object));
    }
    object_[std::string(key)] = std::move(array);
  }
  /// An object of arrays: a fifth of the size where there are thousands of rows.
  template <typename Row>
  void columns(std::string_view key, const std::vector<Row>& rows, std::size_t) {
    Json columns = Json::object();
    for (const std::string& column : keys_of<Row>()) columns[column] = Json::array();
    ColumnWriter writer(columns);
    for (const Row& row : rows) fields(writer, row);
    object_[std::string(key)] = std::move(columns);
  }

 private:
  Json& object_;
};

/// The first problem that readers met; later ones are consequences.
class Problem {
 public:
  void note(const std::string& field, std::string_view problem) {
    if (!found_) found_ = BadResult{field, std::string(problem)};
  }
  [[nodiscard]] const std::optional<BadResult>& found() const { return found_; }

 private:
  std::optional<BadResult> found_;
};

/// True if `object` is one and has exactly these keys.
inline bool has_exactly(const Json& object, const std::vector<std::string>& keys,
                        const std::string& path, Problem& problem) {
  if (!object.is_object()) {
    problem.note(path, "is not an object");
    return false;
  }
  for (const std::string& key : keys) {
    if (!object.contains(key)) problem.note(path + key, "is missing");
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      problem.note(path + key, "is not a field");
    }
  }
  return !problem.found();
}

/// Takes one row from an object's arrays, which all must be long enough.
class ColumnReader {
 public:
  static constexpr bool kReads = true;
  ColumnReader(const Json& columns, std::size_t row, const std::string& path, Problem& problem)
      : columns_(columns), row_(row), path_(path), problem_(problem) {}
  template <typename Value>
  void field(std::string_view key, Value& value) {
    const Json& cell = columns_.at(std::string(key)).at(row_);
    if (const auto wrong = read_value(cell, value); !wrong.empty()) {
      problem_.note(path_ + std::string(key) + '[' + std::to_string(row_) + ']', wrong);
    }
  }

 private:
  const Json& columns_;
  std::size_t row_;
  const std::string& path_;
  Problem& problem_;
};

/// Takes a struct from an object whose keys were checked.
class ObjectReader {
 public:
  static constexpr bool kReads = true;
  /// `path` is put before a key in problems: empty or "nodes[3].".
  ObjectReader(const Json& object, std::string path, Problem& problem)
      : object_(object), path_(std::move(path)), problem_(problem) {}

  template <typename Value>
  void field(std::string_view key, Value&& value) {
    const Json& json = object_.at(std::string(key));
    if (const auto wrong = read_value(json, value); !wrong.empty()) {
      problem_.note(path_ + std::string(key), wrong);
    }
  }

  template <typename Row>
  void rows(std::string_view key, std::vector<Row>& rows, std::size_t rows_max) {
    const Json& array = object_.at(std::string(key));
    const std::string path = path_ + std::string(key);
    if (!is_array_within(array, rows_max, path)) return;
    const auto keys = keys_of<Row>();
    for (std::size_t i = 0; i < array.size() && !problem_.found(); ++i) {
      const std::string row_path = path + '[' + std::to_string(i) + "].";
      if (!has_exactly(array[i], keys, row_path, problem_)) return;
      ObjectReader reader(array[i], row_path, problem_);
      fields(reader, rows.emplace_back());
    }
  }

  template <typename Row>
  void columns(std::string_view key, std::vector<Row>& rows, std::size_t rows_max) {
    const Json& columns = object_.at(std::string(key));
    const std::string path = path_ + std::string(key) + '.';
    if (!has_exactly(columns, keys_of<Row>(), path, problem_)) return;
    const std::size_t count = columns.begin()->size();
    for (const auto& [name, column] : columns.items()) {
      if (!is_array_within(column, rows_max, path + name)) return;
      if (column.size() != count) return problem_.note(path + name, "has another length");
    }
    for (std::size_t row = 0; row < count && !problem_.found(); ++row) {
      ColumnReader reader(columns, row, path, problem_);
      fields(reader, rows.emplace_back());
    }
  }

 private:
  bool is_array_within(const Json& array, std::size_t rows_max, const std::string& path) {
    if (!array.is_array()) problem_.note(path, "is not a list");
    if (array.size() > rows_max) problem_.note(path, "is too long");
    return !problem_.found();
  }

  const Json& object_;
  std::string path_;
  Problem& problem_;
};

}  // namespace kadwire::testnet
