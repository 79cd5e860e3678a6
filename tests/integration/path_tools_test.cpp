/// `kadwire why` and `kadwire ping` beside real daemons behind real NATs.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/mesh_fixture.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr auto kCommandMax = 20s;

struct Ran {
  int exit_code = -1;
  std::string out;
};

class PathToolsTest : public MeshTest {
 protected:
  void SetUp() override {
    MeshTest::SetUp();
    if (!IsSkipped()) must(mesh().start_bootstrap());
  }
  Member& add_behind(const char* surroundings, const char* name) {
    return add({.host = {.name = name}, .surroundings = find_surroundings(surroundings)});
  }
  static Ran run(const Member& at, const std::string& arguments) {
    const std::string command =
        (program_folder() / "kadwire").string() + " " + arguments + " >/run/out";
    Process process = must(at.host().spawn({"sh", "-c", command}, "tool"));
    const int code = process.wait(kCommandMax).value_or(-1);
    return {code, read_text(at.host().outside("/run/out"))};
  }
  static json run_json(const Member& at, const std::string& arguments) {
    return json::parse(run(at, arguments + " --json").out, nullptr, false);
  }
  bool becomes(Member& at, Member& about, const std::string& path) {
    return eventually([&] {
      const auto addresses = about.addresses();
      return addresses && at.path_to(addresses->node) == path;
    });
  }
};

TEST_F(PathToolsTest, ExplainAndMeasureADirectPath) {
  Member& alpha = add_behind("port-restricted", "alpha");
  Member& beta = add_behind("port-restricted", "beta");
  start_all({&alpha, &beta});
  ASSERT_TRUE(becomes(alpha, beta, "direct"));

  const json why = run_json(alpha, "why beta");
  EXPECT_EQ(why.at("reason"), "chosen") << why.dump(2);
  EXPECT_FALSE(why.at("history").empty());
  const std::string mesh_address = addresses_of(beta).ipv6.to_string();
  EXPECT_EQ(run_json(alpha, "why " + mesh_address).at("hostname"), "beta");

  const Ran ping = run(alpha, "ping beta --count 2");
  EXPECT_EQ(ping.exit_code, 0) << ping.out;
  EXPECT_NE(ping.out.find("(in use)"), std::string::npos) << ping.out;
  int in_use = 0;
  const json measured = run_json(beta, "ping alpha --count 6");
  for (const json& path : measured.at("paths")) {
    if (!path.at("in_use")) continue;
    ++in_use;
    EXPECT_EQ(path.at("received"), 6);
    EXPECT_GE(path.at("min_ms"), 80.0);                     // 20 ms on each cable, each way
    EXPECT_LT(path.at("min_ms"), 80.0 + 40.0 * kSlowdown);  // one of six finds a core free
  }
  EXPECT_EQ(in_use, 1) << measured.dump(2);
}

TEST_F(PathToolsTest, NameTheRelayAndTheNatThatMakesItNecessary) {
  Member& helper = add_behind("public", "gamma");
  Member& alpha = add_behind("symmetric-random", "alpha");
  Member& beta = add_behind("symmetric-random", "beta");
  start_all({&helper, &alpha, &beta});
  ASSERT_TRUE(becomes(alpha, beta, "relayed"));

  // The tunnel may stand before enough servers have answered for its own NAT to be known.
  json why;
  EXPECT_TRUE(eventually([&] {
    why = run_json(alpha, "why beta");
    return why.at("reason") == "both-nats-strict";
  })) << why.dump(2);
  EXPECT_NE(why.at("state").get<std::string>().find("relay gamma"), std::string::npos);
  EXPECT_NE(why.at("remedies").dump().find("forward UDP 51820"), std::string::npos);

  const json ping = run_json(alpha, "ping beta --count 1");
  bool relayed = false;
  for (const json& path : ping.at("paths")) {
    relayed |= path.at("relay") == "gamma" && path.at("received") == 1;
  }
  EXPECT_TRUE(relayed) << ping.dump(2);
}

TEST_F(PathToolsTest, SayThatAPeerDoesNotAnswer) {
  Member& alpha = add_behind("public", "alpha");
  Member& beta = add_behind("public", "beta");
  start_all({&alpha, &beta});
  ASSERT_TRUE(becomes(alpha, beta, "direct"));
  beta.crash_whole();

  const Ran ping = run(alpha, "ping beta --count 1");
  EXPECT_EQ(ping.exit_code, 1);
  EXPECT_NE(ping.out.find("no answer"), std::string::npos) << ping.out;
  EXPECT_EQ(run(alpha, "why nobody").exit_code, 1);
}

}  // namespace
}  // namespace kadwire::lab
