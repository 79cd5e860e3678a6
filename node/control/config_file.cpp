#include "node/control/config_file.h"

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <vector>

#include "node/control/suggest.h"
#include "node/control/text.h"

namespace kadwire::control {
namespace {

tl::unexpected<Failure> failure_at(const toml::source_region& where, std::string_view what) {
  return tl::unexpected(Failure{fmt::format("line {}: {}", where.begin.line, what)});
}

const Setting* find_setting(std::string_view name) {
  const auto settings = join_settings();
  const auto setting = std::ranges::find(settings, name, &Setting::name);
  return setting != settings.end() && setting->in_file ? &*setting : nullptr;
}

std::string why_unknown(std::string_view name) {
  if (name == "secret") return "the secret itself does not belong here; use secret-file";
  std::vector<std::string> known;
  for (const Setting& setting : join_settings()) {
    if (setting.in_file) known.emplace_back(setting.name);
  }
  return fmt::format("unknown key '{}'{}", printable(name), suggestion(name, known));
}

/// What a value of this kind has to look like.
std::string_view wanted(ValueKind kind) {
  switch (kind) {
    case ValueKind::kText:
      return "needs a text in quotes";
    case ValueKind::kNumber:
      return "needs a whole number";
    case ValueKind::kSwitch:
      return "needs true or false";
    case ValueKind::kList:
      return "needs a list of texts, as [\"host:4222\"]";
  }
  return "";
}

/// The value as Setting::apply takes it; nullopt if it has another type.
std::optional<std::string> to_text(const toml::node& value, ValueKind kind) {
  switch (kind) {
    case ValueKind::kText:
    case ValueKind::kList:
      return value.value_exact<std::string>();
    case ValueKind::kNumber:
      if (const auto number = value.value_exact<std::int64_t>()) return std::to_string(*number);
      return std::nullopt;
    case ValueKind::kSwitch:
      if (const auto flag = value.value_exact<bool>()) return *flag ? "true" : "false";
      return std::nullopt;
  }
  return std::nullopt;
}

tl::expected<void, Failure> apply_one(const Setting& setting, const toml::node& value,
                                      JoinSettings& settings) {
  const auto text = to_text(value, setting.kind);
  if (!text) {
    return failure_at(value.source(), fmt::format("{} {}", setting.name, wanted(setting.kind)));
  }
  if (const auto applied = setting.apply(settings, *text); !applied) {
    return failure_at(value.source(), fmt::format("{}: {}", setting.name, applied.error().message));
  }
  return {};
}

tl::expected<void, Failure> apply_key(const toml::key& key, const toml::node& value,
                                      JoinSettings& settings) {
  const Setting* setting = find_setting(key.str());
  if (setting == nullptr) return failure_at(key.source(), why_unknown(key.str()));
  const toml::array* list = value.as_array();
  // An empty list says nothing, and whoever wrote it meant something: apply_one refuses it.
  if (setting->kind != ValueKind::kList || list == nullptr || list->empty()) {
    return apply_one(*setting, value, settings);
  }
  for (const toml::node& element : *list) {
    if (const auto applied = apply_one(*setting, element, settings); !applied) return applied;
  }
  return {};
}

}  // namespace

tl::expected<JoinSettings, Failure> parse_config(std::string_view text) {
  if (text.size() > kConfigBytesMax) {
    return tl::unexpected(
        Failure{fmt::format("line 1: more than {} bytes are no configuration", kConfigBytesMax)});
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return failure_at(parsed.error().source(), parsed.error().description());
  JoinSettings settings;
  for (const auto& [key, value] : parsed.table()) {
    if (const auto applied = apply_key(key, value, settings); !applied) {
      return tl::unexpected(applied.error());
    }
  }
  return settings;
}

}  // namespace kadwire::control
