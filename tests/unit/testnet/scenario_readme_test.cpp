/// Holds tools/testnet/README.md against the parser: every word of the language is explained there,
/// in its section, and nothing else is.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tools/testnet/scenario/scenario_parser.h"

namespace kadwire::testnet {
namespace {

std::string readme() {
  std::ifstream file(KADWIRE_TESTNET_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string heading_of(const std::string& section) {
  if (section.empty()) return "### At the top\n";
  if (section == "events") return "### `[[events]]`\n";
  return "### `[" + section + "]`\n";
}

/// From a heading to the next one.
std::string section_of(const std::string& text, const std::string& heading) {
  const std::size_t begin = text.find(heading);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find("\n##", begin) - begin);
}

/// The words in the first column of the table that begins with such a row.
std::set<std::string> rows_of(const std::string& section, const std::string& first_column) {
  std::set<std::string> words;
  std::istringstream lines(section);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| " + first_column + " |")) inside = true;
    if (line.empty()) inside = false;
    if (inside && line.starts_with("| `")) words.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return words;
}

TEST(Readme, ExplainsEveryKeyInItsSectionAndNoOther) {
  const std::string text = readme();
  std::set<std::string> sections;
  for (const KnownKey& known : known_keys()) sections.insert(known.section);
  for (const std::string& section : sections) {
    std::set<std::string> keys;
    for (const KnownKey& known : known_keys()) {
      if (known.section == section) keys.insert(known.key);
    }
    EXPECT_EQ(rows_of(section_of(text, heading_of(section)), "key"), keys) << section;
  }
}

TEST(Readme, ListsEveryRoleEventAndKindOfNat) {
  const std::string text = readme();
  std::set<std::string> roles, events, kinds;
  for (const Role role : all_roles()) roles.emplace(to_text(role));
  for (const EventKind kind : all_event_kinds()) events.emplace(to_text(kind));
  for (const NatKind& kind : nat_kinds()) kinds.emplace(kind.name);
  EXPECT_EQ(rows_of(section_of(text, heading_of("groups.NAME")), "role"), roles);
  EXPECT_EQ(rows_of(section_of(text, heading_of("events")), "do"), events);
  EXPECT_EQ(rows_of(section_of(text, heading_of("gateways.NAME")), "kind"), kinds);
}

TEST(Readme, ShowsAScenarioThatCanBeRead) {
  const std::string text = readme();
  constexpr std::string_view kFence = "```toml\n";
  const std::size_t begin = text.find(kFence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t from = begin + kFence.size();
  const auto scenario = parse_scenario(text.substr(from, text.find("```", from) - from), "README");
  ASSERT_TRUE(scenario) << to_text(scenario.error());
  EXPECT_EQ(count_members(*scenario), 11U);
}

}  // namespace
}  // namespace kadwire::testnet
