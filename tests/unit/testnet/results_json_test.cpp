#include "tools/testnet/report/results_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/sample_results.h"
#include "tools/testnet/report/run_figures.h"

namespace kadwire::testnet {
namespace {

/// The sample's JSON after one edit, read again.
tl::expected<RunResult, BadResult> read_edited(const std::function<void(Json&)>& edit) {
  Json json = run_json(make_sample_result(5));
  edit(json);
  return run_from_json(json_text(json));
}

/// Every key of every object in it.
void collect_keys(const Json& json, std::set<std::string>& keys) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      keys.insert(key);
      collect_keys(value, keys);
    }
  } else if (json.is_array()) {
    for (const Json& element : json) collect_keys(element, keys);
  }
}

TEST(RunJson, ComesBackAsItWas) {
  for (const RunResult& result :
       {make_sample_result(), make_empty_result(), make_hostile_result()}) {
    const auto read = run_from_json(json_text(run_json(result)));
    ASSERT_TRUE(read) << read.error().field << ' ' << read.error().problem;
    EXPECT_EQ(*read, result);
  }
}

TEST(RunJson, KeepsEveryNanosecondAndEveryBitOfTheSeed) {
  RunResult result = make_sample_result(2);
  result.simulated = 26 * 24h - 1ns;
  result.seed = ~std::uint64_t{0};
  const auto read = run_from_json(json_text(run_json(result)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->simulated, result.simulated);
  EXPECT_EQ(read->seed, result.seed);
}

TEST(RunJson, BeginsWithItsSchema) {
  const std::string text = json_text(run_json(make_sample_result(2)));
  EXPECT_TRUE(text.starts_with(R"({"schema":"kadwire-testnet/run/1",)")) << text.substr(0, 60);
}

TEST(RunJson, SaysWhichFieldIsBad) {
  struct Case {
    std::string field;
    std::function<void(Json&)> edit;
  };
  const Case cases[] = {
      {"schema", [](Json& json) { json["schema"] = "kadwire-testnet/run/2"; }},
      {"seed", [](Json& json) { json.erase("seed"); }},
      {"seed", [](Json& json) { json["seed"] = 7; }},
      {"seed", [](Json& json) { json["seed"] = "18446744073709551616"; }},
      {"seed", [](Json& json) { json["seed"] = "12x"; }},
      {"extra", [](Json& json) { json["extra"] = 1; }},
      {"events", [](Json& json) { json["events"] = -1; }},
      {"simulated_seconds", [](Json& json) { json["simulated_seconds"] = -0.5; }},
      {"simulated_seconds", [](Json& json) { json["simulated_seconds"] = 1e30; }},
      {"wall_seconds", [](Json& json) { json["wall_seconds"] = nullptr; }},
      {"violations", [](Json& json) { json["violations"] = {1}; }},
      {"nodes", [](Json& json) { json["nodes"] = 1; }},
      {"nodes[3].", [](Json& json) { json["nodes"][3] = 1; }},
      {"nodes[3].name", [](Json& json) { json["nodes"][3]["name"] = 1; }},
      {"nodes[3].path_changes", [](Json& json) { json["nodes"][3]["path_changes"].erase("none"); }},
      {"nodes[3].sent", [](Json& json) { json["nodes"][3]["sent"]["packets"].push_back(1); }},
      {"samples.at_seconds", [](Json& json) { json["samples"].erase("at_seconds"); }},
      {"samples.pings_lost", [](Json& json) { json["samples"]["pings_lost"].push_back(1); }},
      {"changes.state[0]", [](Json& json) { json["changes"]["state"][0] = "up"; }},
      {"changes.b[0]", [](Json& json) { json["changes"]["b"][0] = 1ull << 32; }},
      {"changes", [](Json& json) { json["changes"]["b"][0] = 15; }},
      {"changes", [](Json& json) { json["changes"]["a"][0] = json["changes"]["b"][0]; }},
      {"timeline", [](Json& json) { json["timeline"][0]["nodes"] = {15}; }},
      {"packets", [](Json& json) { json["packets"].erase("loss"); }},
  };
  for (const Case& bad : cases) {
    const auto read = read_edited(bad.edit);
    ASSERT_FALSE(read) << bad.field;
    EXPECT_EQ(read.error().field, bad.field) << read.error().problem;
  }
}

TEST(RunJson, RefusesTablesBeyondTheirBounds) {
  RunResult result = make_empty_result();
  result.samples.resize(kSamplesMax + 1);
  EXPECT_FALSE(run_from_json(json_text(run_json(result))));
  result.samples.resize(kSamplesMax);
  EXPECT_TRUE(run_from_json(json_text(run_json(result))));
}

TEST(RunJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[]", "null", "{\"schema\":\"kadwire-testnet/run/1\"}"}) {
    EXPECT_FALSE(run_from_json(text)) << text;
  }
}

TEST(JsonText, ReplacesWhatIsNotUtf8) {
  RunResult result = make_empty_result();
  result.scenario = "bad\xff";
  const auto read = run_from_json(json_text(run_json(result)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->scenario, "bad\uFFFD");
}

TEST(Schema, NamesEveryKey) {
  std::ifstream file(KADWIRE_SCHEMA);
  const std::string schema{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(schema.empty());
  std::set<std::string> keys;
  collect_keys(run_json(make_sample_result(5)), keys);
  collect_keys(matrix_json(make_sample_matrix()), keys);
  collect_keys(sweep_json(make_sample_sweep()), keys);
  for (const std::string& key : keys) {
    EXPECT_NE(schema.find('`' + key + '`'), std::string::npos) << key;
  }
}

TEST(Succeeded, NeedsEveryExpectationAndNoViolation) {
  RunResult result;
  EXPECT_TRUE(succeeded(result));
  result.verdicts = {{"", "", true}};
  EXPECT_TRUE(succeeded(result));
  result.violations = {"one"};
  EXPECT_FALSE(succeeded(result));
  result.violations.clear();
  result.verdicts.push_back({"", "", false});
  EXPECT_FALSE(succeeded(result));
}

}  // namespace
}  // namespace kadwire::testnet
