#include "tools/testnet/scenario/overrides.h"

#include <array>
#include <charconv>
#include <memory>

#include "node/control/text.h"

namespace kadwire::testnet {
namespace {

/// More than any value of the language has.
constexpr std::size_t kDepthMax = 6;

/// One part of a path: "events[2]".
struct Step {
  std::string key;
  std::optional<std::size_t> index;
};

std::optional<Step> read_step(std::string_view text) {
  Step step{std::string(text.substr(0, text.find('['))), std::nullopt};
  if (step.key.empty()) return std::nullopt;
  if (step.key.size() == text.size()) return step;
  const std::string_view inside = text.substr(step.key.size() + 1);
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
  if (error != std::errc{} || std::string_view(end, inside.data() + inside.size()) != "]") {
    return std::nullopt;
  }
  step.index = index;
  return step;
}

std::optional<std::vector<Step>> read_path(std::string_view text) {
  std::vector<Step> steps;
  while (true) {
    const std::size_t dot = text.find('.');
    auto step = read_step(text.substr(0, dot));
    if (!step || steps.size() == kDepthMax) return std::nullopt;
    steps.push_back(std::move(*step));
    if (dot == std::string_view::npos) return steps;
    text.remove_prefix(dot + 1);
  }
}

bool holds_named_tables(std::string_view path) {
  return path == "links" || path == "gateways" || path == "groups";
}

std::vector<std::string> keys_of(const toml::table& table) {
  std::vector<std::string> keys;
  for (const auto& [key, node] : table) keys.emplace_back(key.str());
  return keys;
}

/// Follows the steps of one override, and reports where they lead nowhere.
class Walk {
 public:
  Walk(toml::table& root, toml::source_region where, ErrorList& errors)
      : table_(&root), where_(std::move(where)), errors_(errors) {}

  /// False, and reported, if there is nothing.
  bool enter(const Step& step) {
    toml::node* node = find_or_add(step.key);
    path_ = join_path(path_, step.key);
    if (node == nullptr) return false;
    if (step.index) node = element(*node, *step.index);
    if (node == nullptr) return false;
    table_ = node->as_table();
    return table_ != nullptr ||
           refuse(node->is_array() ? "needs an index, as [0]" : "is a value and holds no others");
  }
  void set(const Step& last, toml::node&& value) {
    path_ = join_path(path_, last.key);
    const toml::node* before = table_->get(last.key);
    if (before != nullptr && before->is_table()) {
      refuse("is a table; name one of its values");
    } else if (last.index) {
      refuse("has no values that could be set one by one");
    } else {
      table_->insert_or_assign(last.key, std::move(value));
    }
  }
  /// Always false.
  bool refuse(std::string message) {
    errors_.add(where_, control::printable(path_), std::move(message));
    return false;
  }

 private:
  toml::node* find_or_add(const std::string& key) {
    if (toml::node* node = table_->get(key)) return node;
    const bool default_link = path_ == "links" && key == "default";
    if (holds_named_tables(path_) && !default_link) {
      refuse(unknown_word(key, keys_of(*table_)));
      return nullptr;
    }
    return &table_->insert(key, toml::table{}).first->second;
  }
  toml::node* element(toml::node& node, std::size_t index) {
    toml::array* list = node.as_array();
    if (list != nullptr && index < list->size()) return list->get(index);
    const std::size_t count = list != nullptr ? list->size() : 0;
    refuse(fmt::format("there is no [{}]: {} of them, the first is [0]", index, count));
    return nullptr;
  }

  toml::table* table_;
  std::string path_;
  toml::source_region where_;
  ErrorList& errors_;
};

/// `value = TEXT` as TOML, or else as a text. The whole text has to be one value: whatever would
/// bring in keys of its own is a text.
toml::table read_value(std::string_view text, const std::string& source) {
  constexpr std::string_view kKey = "value";
  toml::parse_result parsed = toml::parse(fmt::format("{} = {}", kKey, text), source);
  if (parsed && parsed.table().size() == 1) return std::move(parsed).table();
  // A text is written as TOML too, so that it knows where it comes from.
  std::string quoted;
  for (const char character : control::printable(text)) {
    if (character == '"' || character == '\\') quoted += '\\';
    quoted += character;
  }
  return std::move(toml::parse(fmt::format("{} = \"{}\"", kKey, quoted), source)).table();
}

}  // namespace

void apply_override(toml::table& scenario, std::string_view override_text, ErrorList& errors) {
  const std::string source =
      std::string(kOverrideSource) + control::printable(override_text.substr(0, kValueBytesMax));
  toml::source_region where;
  where.path = std::make_shared<const std::string>(source);
  const std::size_t equals = override_text.find('=');
  const auto steps = read_path(override_text.substr(0, equals));
  if (equals == std::string_view::npos || !steps || override_text.size() > kValueBytesMax) {
    return errors.add(where, "", "needs KEY=VALUE, as groups.homes.count=20 or events[0].at=5min");
  }
  Walk walk(scenario, where, errors);
  for (std::size_t i = 0; i + 1 < steps->size(); ++i) {
    if (!walk.enter((*steps)[i])) return;
  }
  toml::table value = read_value(override_text.substr(equals + 1), source);
  value.begin()->second.visit([&](auto& node) { walk.set(steps->back(), std::move(node)); });
}

}  // namespace kadwire::testnet
