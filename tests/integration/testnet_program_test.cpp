/// kadwire-testnet as a user runs it: one seed is one run whatever else goes on, what is wrong is
/// said in a line, and what was simulated is never lost.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/temporary_folder.h"
#include "tools/lab/process.h"

namespace kadwire::testnet {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

using Words = std::vector<std::string>;

/// The longest takes a minute of two cores under a sanitizer; this one's are busy.
constexpr auto kRunTimeMax = 250s;
/// What is refused is refused at once: before any simulation.
constexpr auto kRefusalTimeMax = 20s;
/// A mesh that has formed when it ends, in a fraction of a second.
const Words kShortRun = {"run", "open-5", "--until", "20s"};

struct Ran {
  int code = -1;  ///< -1: it did not end in time
  std::string out;
  std::string err;
};

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

/// Not a matcher: it would print the page.
bool is_whole_page(const std::string& text) {
  return text.starts_with("<!doctype html>") && text.ends_with("</html>\n");
}

class TestnetProgram : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path(const std::string& name) const {
    return folder_.path() / name;
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return lab::read_text(path(name));
  }
  std::string write(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }

  /// `before` comes before the program: env and its words.
  lab::Process spawn(const Words& arguments, const Words& before = {}) const {
    const Words shell = {
        "/bin/sh", "-c",        R"(out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err")",
        "sh",      path("out"), path("err")};
    auto process = lab::Process::spawn(
        {.argv = shell + before + Words{KADWIRE_BIN "/kadwire-testnet"} + arguments,
         .output = path("shell")});
    if (!process) throw std::runtime_error(process.error().message);
    return std::move(*process);
  }

  Ran finish(lab::Process& process, Duration at_most = kRunTimeMax) const {
    const auto code = process.wait(at_most);
    return {code.value_or(-1), text("out"), text("err")};
  }

  Ran run(const Words& arguments, const Words& before = {}) const {
    lab::Process process = spawn(arguments, before);
    return finish(process);
  }

  /// A command as it was printed, given to a shell.
  Ran paste(const std::string& command) const {
    auto process =
        lab::Process::spawn({.argv = {"/bin/sh", "-c",
                                      fmt::format("exec >{} 2>{}; {}", path("out").string(),
                                                  path("err").string(), command)},
                             .environment = {"PATH=" KADWIRE_BIN ":/usr/bin:/bin"},
                             .output = path("shell")});
    if (!process) throw std::runtime_error(process.error().message);
    return finish(*process);
  }

  /// Refused at once, with one line about it.
  void expect_refused(const Words& arguments, const ::testing::Matcher<std::string>& why) const {
    lab::Process process = spawn(arguments);
    const Ran ran = finish(process, kRefusalTimeMax);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, why);
    EXPECT_EQ(lines_of(ran.err), 1U) << ran.err;
    EXPECT_EQ(ran.out, "");
  }

  /// The trace's hash, as the JSON on stdout tells it.
  std::string hash(const Words& arguments, const Words& before = {}) const {
    const Ran ran = run(arguments + Words{"--json", "-"}, before);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return hash_of(ran.out);
  }

  /// The commands after "replay: ", and before each the line that says what was wrong.
  struct Failure {
    std::string complaint;
    std::string replay;
  };
  static std::vector<Failure> failures_of(const std::string& summary) {
    std::vector<Failure> failures;
    static const std::regex kFailure("\n  ([^\n]*)\n  replay: (kadwire-testnet [^\n]*)");
    for (std::sregex_iterator each(summary.begin(), summary.end(), kFailure), end; each != end;
         ++each) {
      failures.push_back({(*each)[1], (*each)[2]});
    }
    return failures;
  }

  /// Fails again, for the same measured reason.
  void expect_replayed(const Failure& failure) const {
    const Ran again = paste(failure.replay);
    EXPECT_EQ(again.code, 1) << failure.replay << "\n" << again.err;
    EXPECT_THAT(again.out, HasSubstr("FAIL  " + failure.complaint)) << failure.replay;
  }

  static std::string hash_of(const std::string& result) {
    const auto parsed = json::parse(result, nullptr, false);
    return parsed.is_object() ? parsed.value("trace_hash", "no hash") : "no JSON: " + result;
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(TestnetProgram, PlaysTheSameRunForTheSameSeedAndAnotherForAnother) {
  const std::string seven = hash(kShortRun + Words{"--seed", "7"});
  EXPECT_THAT(seven, MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(hash(kShortRun + Words{"--seed", "7"}), seven);
  EXPECT_NE(hash(kShortRun + Words{"--seed", "8"}), seven);
}

TEST_F(TestnetProgram, PlaysTheSameRunOnABusyMachine) {
  const std::string calm = hash(kShortRun);
  std::vector<lab::Process> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(*lab::Process::spawn(
        {.argv = {"/bin/sh", "-c", "while :; do :; done"}, .output = path("busy")}));
  }
  EXPECT_EQ(hash(kShortRun), calm);
  EXPECT_EQ(hash(kShortRun), calm);
  for (lab::Process& process : busy) EXPECT_TRUE(process.running());
}

TEST_F(TestnetProgram, PlaysTheSameRunWhateverItIsToWrite) {
  const std::string plain = hash(kShortRun);
  const Ran ran = run(kShortRun + Words{"--trace", path("first"), "--report", path("report.html"),
                                        "--json", path("result.json")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(hash_of(text("result.json")), plain);
  EXPECT_THAT(ran.out, HasSubstr("trace " + plain));
  EXPECT_TRUE(is_whole_page(text("report.html")));
  EXPECT_TRUE(text("report.html").find(plain) != std::string::npos);

  EXPECT_EQ(run(kShortRun + Words{"--trace", path("second")}).code, 0);
  EXPECT_TRUE(text("second").find(" -- start: ") !=
              std::string::npos);  // events, not packets alone
  EXPECT_FALSE(text("first").empty());
  EXPECT_TRUE(text("first") == text("second")) << "the traces differ";
}

TEST_F(TestnetProgram, PlaysTheSameRunAndFindsTheSameFallsHoweverFineTheCurves) {
  const Words falls = {"run", "lossy-mobile", "--seed", "2", "--until", "11min", "--json", "-"};
  const auto played = [&](const char* sampling) {
    return json::parse(run(falls + Words{"--set", sampling}).out, nullptr, false);
  };
  const json fine = played("sample_every=1s"), coarse = played("sample_every=100s");
  ASSERT_TRUE(fine.is_object() && coarse.is_object());
  EXPECT_EQ(fine["trace_hash"], coarse["trace_hash"]);
  EXPECT_EQ(fine["changes"], coarse["changes"]);
  EXPECT_NE(fine["samples"], coarse["samples"]);
  EXPECT_FALSE(fine["changes"].empty());
}

TEST_F(TestnetProgram, PlaysTheSameRunFromAnotherFolderWithAnotherEnvironment) {
  const std::string here = hash(kShortRun);
  EXPECT_EQ(hash(kShortRun, {"env", "-C", "/", "-i"}), here);
  EXPECT_EQ(hash(kShortRun, {"env", "-C", path("").string(), "TZ=Asia/Kolkata", "LC_ALL=C.UTF-8",
                             "A=" + std::string(9000, 'x')}),
            here);
}

TEST_F(TestnetProgram, ReplaysARunByTheNameThatFailuresGiveIt) {
  const Words replay = {"replay", "open-5:7", "--until", "20s"};
  EXPECT_EQ(hash(replay), hash(kShortRun + Words{"--seed", "7"}));
  EXPECT_EQ(run({"replay", "open-5"}).code, 2);
}

TEST_F(TestnetProgram, PlaysAScenarioOfTheLibraryAndItsCopyAlike) {
  const Ran shown = run({"scenarios", "open-5"});
  ASSERT_EQ(shown.code, 0);
  const std::string copy = write("mine.toml", shown.out);
  EXPECT_EQ(hash({"run", copy, "--until", "20s"}), hash(kShortRun));
}

TEST_F(TestnetProgram, NamesFileLineAndFieldOfAMistake) {
  const std::string file = write("mine.toml",
                                 "[groups.bootstrap]\n"
                                 "role = \"bootstrap\"\n"
                                 "[groups.homes]\n"
                                 "fammilies = \"both\"\n");
  const auto why = AllOf(HasSubstr(file + ":4:"), HasSubstr("groups.homes.fammilies"),
                         HasSubstr("did you mean 'families'?"));
  expect_refused({"run", file}, why);
  expect_refused({"sweep", file}, why);
  expect_refused({"check", file}, why);
  const Ran checked = run({"check", file, "--json"});
  EXPECT_EQ(checked.code, 2);
  EXPECT_EQ(json::parse(checked.out).at(0).at("line"), 4);
}

TEST_F(TestnetProgram, SuggestsTheScenarioThatWasMeant) {
  expect_refused({"run", "home-nat"}, HasSubstr("did you mean 'home-nats'?"));
  expect_refused({"run", "no/such.toml"}, HasSubstr("no/such.toml: No such file"));
}

TEST_F(TestnetProgram, SaysBeforeItSimulatesThatAFileCannotBeWritten) {
  const std::string nowhere = path("nowhere") / "file";
  const auto why = HasSubstr(nowhere + ": there is no folder " + path("nowhere").string());
  expect_refused({"run", "idle-day", "--json", nowhere}, why);
  expect_refused({"run", "idle-day", "--report", nowhere}, why);
  expect_refused({"run", "idle-day", "--trace", nowhere}, HasSubstr(nowhere));
  expect_refused({"sweep", "idle-day", "--json", nowhere}, why);
  expect_refused({"matrix", "--json", nowhere}, why);
  expect_refused({"run", "idle-day", "--json", path("")}, HasSubstr("Is a directory"));
}

TEST_F(TestnetProgram, TellsOfAFullDiskAndLosesNothingElse) {
  const Ran ran = run(kShortRun + Words{"--json", "/dev/full", "--report", path("report.html")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "kadwire-testnet: /dev/full: No space left on device\n");
  EXPECT_THAT(ran.out, HasSubstr("5 members, 10 tunnels"));
  EXPECT_TRUE(is_whole_page(text("report.html")));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_FALSE(std::filesystem::exists("/dev/full.part"));
}

TEST_F(TestnetProgram, TellsOfATraceThatDoesNotFit) {
  const Ran ran = run(kShortRun + Words{"--trace", "/dev/full", "--json", path("result.json")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "kadwire-testnet: /dev/full: No space left on device\n");
  EXPECT_THAT(ran.out, HasSubstr("5 members, 10 tunnels"));
  EXPECT_EQ(hash_of(text("result.json")), hash(kShortRun));
}

TEST_F(TestnetProgram, WritesATraceToStdoutInPlaceOfTheSummary) {
  EXPECT_EQ(run(kShortRun + Words{"--trace", path("trace")}).code, 0);
  const Ran ran = run(kShortRun + Words{"--trace", "-", "--set", "expect.first_tunnel_p95=1ms"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(ran.out == text("trace")) << "the traces differ";
  const auto failures = failures_of(ran.err);
  ASSERT_EQ(failures.size(), 1U) << ran.err;
  EXPECT_THAT(failures.front().complaint, HasSubstr("first tunnel after at most"));
}

TEST_F(TestnetProgram, RefusesTwoOutputsInOnePlace) {
  const auto why = HasSubstr("two outputs would go there");
  write("a", "");
  std::filesystem::create_symlink(path("a"), path("link"));
  const std::string detour = path("").string() + "./a";
  expect_refused({"run", "open-5", "--json", path("a"), "--report", detour}, why);
  expect_refused({"run", "open-5", "--trace", path("a"), "--report", path("link")}, why);
  expect_refused({"run", "open-5", "--trace", "-", "--json", "-"}, why);
  expect_refused({"matrix", "--picture", path("a"), "--json", path("a")}, why);
  EXPECT_EQ(run(kShortRun + Words{"--json", "/dev/null", "--trace", "/dev/null"}).code, 0);
}

TEST_F(TestnetProgram, WritesThroughALinkAndLeavesNothingUnfinished) {
  write("target.json", "old");
  std::filesystem::create_symlink(path("target.json"), path("link.json"));
  EXPECT_EQ(run(kShortRun + Words{"--json", path("link.json")}).code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.json")));
  EXPECT_THAT(hash_of(text("target.json")), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_FALSE(std::filesystem::exists(path("target.json.part")));
}

TEST_F(TestnetProgram, ReportsWhatItSimulatedUntilCtrlC) {
  lab::Process process = spawn({"run", "idle-day", "--trace", path("trace"), "--json",
                                path("result.json"), "--report", path("report.html")});
  while (text("trace").empty()) ASSERT_FALSE(process.wait(10ms)) << text("err");
  process.signal(SIGINT);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 130) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("(interrupted)"));
  EXPECT_TRUE(is_whole_page(text("report.html")));
  const json result = json::parse(text("result.json"));
  EXPECT_EQ(result.at("schema"), "kadwire-testnet/run/1");
  EXPECT_TRUE(result.at("interrupted"));
  EXPECT_GT(result.at("simulated_seconds"), 0);
  EXPECT_LT(result.at("simulated_seconds"), 24 * 3600);
  EXPECT_FALSE(result.at("nodes").empty());
}

TEST_F(TestnetProgram, ReportsWhatItSimulatedUntilItIsTerminated) {
  lab::Process process =
      spawn({"run", "idle-day", "--trace", path("trace"), "--json", path("result.json")});
  while (text("trace").empty()) ASSERT_FALSE(process.wait(10ms)) << text("err");
  process.signal(SIGTERM);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 130) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("(interrupted)"));
  EXPECT_TRUE(json::parse(text("result.json")).at("interrupted"));
}

TEST_F(TestnetProgram, EndsAtOnceWhenAskedASecondTime) {
  for (const int second : {SIGINT, SIGTERM}) {
    const std::string pipe = path(fmt::format("pipe{}", second));
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    // Nobody takes the trace, so that the event under way never ends.
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    lab::Process process = spawn({"run", "idle-day", "--trace", pipe});
    constexpr int kWrittenAtOnce = 4096;
    for (int waiting = 0; waiting <= fcntl(reader, F_GETPIPE_SZ) - kWrittenAtOnce;) {
      ASSERT_FALSE(process.wait(10ms)) << text("err");
      ASSERT_EQ(ioctl(reader, FIONREAD, &waiting), 0);
    }
    process.signal(SIGINT);
    EXPECT_FALSE(process.wait(200ms)) << "it waits for the event's end";
    process.signal(second);
    EXPECT_EQ(finish(process, kRefusalTimeMax).code, 128 + second);
    close(reader);
  }
}

TEST_F(TestnetProgram, TellsWhenAnEarlyPingWasFirstAnswered) {
  const auto replies = [&](const char* early) {
    const Ran ran = run(kShortRun + Words{"--json", "-", "--set", "ping.every=10ms", "--set",
                                          fmt::format("ping.early={}", early)});
    const json result = json::parse(ran.out);
    double sum = 0;
    for (const json& node : result.at("nodes")) {
      if (node.at("role") == "member") sum += node.at("first_reply_seconds").get<double>();
    }
    return sum;
  };
  // What waits in the tunnel is through it before what is sent when it stands on both sides.
  EXPECT_LT(replies("true"), replies("false"));
}

TEST_F(TestnetProgram, SaysHowLongALostTunnelStayedAway) {
  const auto verdict = [&](const char* loss) {
    const Ran ran =
        run({"run", "open-5", "--until", "8min", "--json", "-", "--set",
             fmt::format("links.default.loss={}", loss), "--set", "expect.reconnected_within=1s"});
    const json verdicts = json::parse(ran.out).at("verdicts");
    const auto found = std::ranges::find_if(verdicts, [](const json& each) {
      return each.at("expectation").get<std::string>().find("stood again") != std::string::npos;
    });
    return found == verdicts.end() ? json() : *found;
  };
  EXPECT_EQ(verdict("0").at("measured"), "none fell");
  const json lossy = verdict("30%");  // handshakes that get lost, and sessions that expire
  EXPECT_EQ(lossy.at("met"), false);
  EXPECT_THAT(lossy.at("measured").get<std::string>(), HasSubstr("which fell after"));
}

TEST_F(TestnetProgram, SweepsOneParameterOverValuesAndSeeds) {
  const Ran ran = run({"sweep", "open-5", "--until", "20s", "--parameter", "links.default.loss",
                       "--values", "0,1%", "--set", "expect.pings_lost=20%", "--seeds", "3",
                       "--json", path("sweep.json"), "--report", path("sweep.html")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json result = json::parse(text("sweep.json"));
  EXPECT_EQ(result.at("schema"), "kadwire-testnet/sweep/1");
  ASSERT_EQ(result.at("points").size(), 2U);
  EXPECT_EQ(result.at("points").at(1).at("value"), "1%");
  for (const json& point : result.at("points")) {
    EXPECT_EQ(point.at("runs"), 3);
    EXPECT_EQ(point.at("succeeded"), 3);
  }
  EXPECT_TRUE(is_whole_page(text("sweep.html")));
}

TEST_F(TestnetProgram, WritesTheFinishedRunsOfASweepAtCtrlC) {
  constexpr std::size_t kSeeds = 10'000;
  lab::Process process =
      spawn({"sweep", "open-5", "--until", "20s", "--seeds", std::to_string(kSeeds), "--jobs", "1",
             "--json", path("sweep.json"), "--report", path("sweep.html")});
  while (!std::regex_search(text("err"), std::regex("[1-9][0-9]* of 10000 runs"))) {
    ASSERT_FALSE(process.wait(10ms)) << text("err");
  }
  process.signal(SIGINT);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 130) << ran.err;
  const json point = json::parse(text("sweep.json")).at("points").at(0);
  const std::size_t runs = point.at("runs");
  EXPECT_GT(runs, 0U);
  EXPECT_EQ(point.at("succeeded"), runs) << "a run that Ctrl-C ended is no failure";
  ASSERT_EQ(point.at("unfinished_seeds").size(), kSeeds - runs);
  EXPECT_EQ(point.at("unfinished_seeds").front(), std::to_string(runs + 1));
  EXPECT_THAT(ran.out, HasSubstr(fmt::format("interrupted: {} runs not finished, the first with "
                                             "seed {}",
                                             kSeeds - runs, runs + 1)));
  EXPECT_TRUE(is_whole_page(text("sweep.html")));
}

TEST_F(TestnetProgram, WritesTheFinishedRunsOfAMatrixAtCtrlC) {
  lab::Process process = spawn({"matrix", "--kinds", "public,full-cone", "--seeds", "1000",
                                "--jobs", "1", "--json", path("matrix.json")});
  while (!std::regex_search(text("err"), std::regex("[1-9][0-9]* of 3000 runs"))) {
    ASSERT_FALSE(process.wait(10ms)) << text("err");
  }
  process.signal(SIGINT);
  EXPECT_EQ(finish(process).code, 130);
  const json result = json::parse(text("matrix.json"));
  EXPECT_TRUE(result.at("interrupted"));
  EXPECT_GT(result.at("cells").at(0).at(0).at("runs"), 0);
  EXPECT_EQ(result.at("cells").at(1).at(1).at("runs"), 0);
  EXPECT_TRUE(result.at("cells").at(1).at(1).at("possible")) << "nobody knows yet";
}

TEST_F(TestnetProgram, CrossesKindsOfNatInAMatrix) {
  const Ran ran = run({"matrix", "--kinds", "public,port-restricted", "--seeds", "2", "--json",
                       path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json result = json::parse(text("matrix.json"));
  EXPECT_EQ(result.at("schema"), "kadwire-testnet/matrix/1");
  EXPECT_EQ(result.at("kinds"), json({"public", "port-restricted"}));
  EXPECT_EQ(result.at("cells").at(0).at(0).at("direct"), 2);
  EXPECT_EQ(result.at("cells").at(1).at(0).at("direct"), 2) << "a public member is always reached";
  EXPECT_EQ(result.at("cells").at(1).at(0), result.at("cells").at(0).at(1));
  expect_refused({"matrix", "--kinds", "publik"}, HasSubstr("there is no kind 'publik'"));
}

TEST_F(TestnetProgram, ChangesWhatAMatrixPlaysAndDrawsIt) {
  const Ran ran = run({"matrix", "--kinds", "public", "--seeds", "1", "--set", "groups.dht.count=3",
                       "--json", path("matrix.json"), "--picture", path("matrix.svg")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 direct, 0 relayed, 0 without a tunnel"));
  EXPECT_THAT(text("matrix.svg"), HasSubstr("--set groups.dht.count=3"));
  const json cell = json::parse(text("matrix.json")).at("cells").at(0).at(0);
  EXPECT_EQ(cell.at("p50_seconds"), cell.at("direct_p50_seconds"));
  EXPECT_EQ(cell.at("relayed_seeds"), json::array());
  expect_refused({"matrix", "--set", "groups.nobody.count=3"}, HasSubstr("nobody"));
}

/// The demands on punching: what is certain to work works in every run, and nobody is left alone.
TEST_F(TestnetProgram, ConnectsMembersBehindEveryPairOfTheseNats) {
  const Words kinds = {
      "port-restricted",      "port-changing",    "address-restricted", "dual-stack",
      "symmetric-sequential", "symmetric-random", "ipv6-only",          "blocked"};
  const std::size_t seeds = 3;
  const Ran ran = run({"matrix", "--kinds", fmt::format("{}", fmt::join(kinds, ",")), "--seeds",
                       std::to_string(seeds), "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json cells = json::parse(text("matrix.json")).at("cells");
  const auto cell = [&](const std::string& row, const std::string& column) {
    const auto at = [&](const std::string& kind) {
      return static_cast<std::size_t>(std::ranges::find(kinds, kind) - kinds.begin());
    };
    return cells.at(at(row)).at(at(column));
  };
  using Pair = std::pair<std::string, std::string>;
  for (const auto& [row, column] :
       {Pair{"port-restricted", "port-changing"}, Pair{"address-restricted", "symmetric-random"},
        Pair{"address-restricted", "symmetric-sequential"}, Pair{"dual-stack", "ipv6-only"},
        Pair{"port-restricted", "symmetric-sequential"}}) {
    EXPECT_EQ(cell(row, column).at("direct"), seeds) << row << " and " << column;
  }
  for (const auto& [row, column] :
       {Pair{"symmetric-random", "symmetric-random"}, Pair{"ipv6-only", "port-restricted"}}) {
    EXPECT_EQ(cell(row, column).at("relayed"), seeds) << row << " and " << column;
  }
  EXPECT_EQ(cell("blocked", "port-restricted").at("possible"), false);
}

TEST_F(TestnetProgram, AMemberWhoseGatewayMapsItsPortIsReachedFromBehindEveryNat) {
  const std::size_t seeds = 4;
  const Words kinds = {"mapping-gateway", "port-restricted", "symmetric-random", "cgnat"};
  const Ran ran = run({"matrix", "--kinds", fmt::format("{}", fmt::join(kinds, ",")), "--seeds",
                       std::to_string(seeds), "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  const json row = json::parse(text("matrix.json")).at("cells").at(0);
  for (std::size_t column = 0; column < kinds.size(); ++column) {
    EXPECT_EQ(row.at(column).at("direct"), seeds) << kinds[column];
  }
}

TEST_F(TestnetProgram, EndsWithOneAndACommandThatRepeatsAFailedRun) {
  std::filesystem::create_directory(path("its o'wn"));
  const std::string file = write("its o'wn/a b.toml", run({"scenarios", "open-5"}).out);
  const Ran failed = run({"run", file, "--until", "20s", "--nodes", "4", "--seed", "3", "--set",
                          "expect.first_tunnel_p95=1ms", "--set", "summary=\"$HOME; a 'word'\""});
  EXPECT_EQ(failed.code, 1) << failed.err;
  const auto replay = failed.out.find("  replay: ");
  ASSERT_NE(replay, std::string::npos) << failed.out;
  const std::string command = failed.out.substr(replay + 10);
  const Ran again = paste(command);
  EXPECT_EQ(again.code, 1) << again.err;
  const auto first_line = [](const std::string& text) { return text.find('\n'); };
  // But for how long it took, in the first line.
  EXPECT_EQ(again.out.substr(first_line(again.out)), failed.out.substr(first_line(failed.out)));
}

TEST_F(TestnetProgram, NamesTheFailedRunsOfASweepByCommandsThatRepeatThem) {
  const std::string file = write("a b.toml", run({"scenarios", "open-5"}).out);
  const Words words = {"sweep",       file,
                       "--until",     "20s",
                       "--nodes",     "4",
                       "--set",       "expect.first_tunnel_p95=1ms",
                       "--seeds",     "4",
                       "--jobs",      "2",
                       "--json",      path("sweep.json"),
                       "--parameter", "links.default.latency",
                       "--values",    "lognormal(20ms, 0.5),5ms"};
  const Ran ran = run(words);
  EXPECT_EQ(ran.code, 1) << ran.err;
  const auto failures = failures_of(ran.out);
  ASSERT_EQ(failures.size(), 6U) << ran.out;  // three for each value
  EXPECT_THAT(ran.out, HasSubstr("failed: links.default.latency=5ms, 1 more"));
  expect_replayed(failures.front());
  expect_replayed(failures.back());
  const json result = json::parse(text("sweep.json"));
  ASSERT_EQ(result.at("points").size(), 2U);
  const json& told = result.at("points").at(1).at("failures");
  EXPECT_EQ(told.at(0).at("replay"), failures.at(3).replay);
  EXPECT_EQ(told.at(0).at("complaints").back(), failures.at(3).complaint);

  const Ran again = paste(result.at("command").get<std::string>() + " --json -");
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(json::parse(again.out).at("points").at(0).at("failures"),
            result.at("points").at(0).at("failures"));
  EXPECT_EQ(failures_of("\n" + again.err).size(), 6U) << "nobody would see them";
}

TEST_F(TestnetProgram, FailsAMatrixForAnExpectationThatWasNotMet) {
  const Ran ran = run({"matrix", "--kinds", "public,cgnat", "--seeds", "1", "--set",
                       "expect.first_tunnel_p50=1ms", "--json", path("matrix.json")});
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("3 runs failed\n"), HasSubstr("failed: cgnat and public, seed 1\n")));
  const auto failures = failures_of(ran.out);
  ASSERT_EQ(failures.size(), 3U) << ran.out;
  expect_replayed(failures.at(1));
  const json cell = json::parse(text("matrix.json")).at("cells").at(1).at(0);
  EXPECT_EQ(cell.at("failed"), 1);
  EXPECT_EQ(cell.at("failed_seeds"), json({"1"}));
  EXPECT_EQ(cell.at("failures").at(0).at("replay"), failures.at(1).replay);
  EXPECT_EQ(cell.at("direct"), 1) << "it has its tunnel all the same";
}

TEST_F(TestnetProgram, FailsAMatrixForARunThatCrashed) {
  lab::Process process =
      spawn({"matrix", "--kinds", "public", "--seeds", "1", "--until", "7d", "--jobs", "1"});
  const std::string children = fmt::format("/proc/{0}/task/{0}/children", process.pid());
  while (lab::read_text(children).empty()) ASSERT_FALSE(process.wait(10ms)) << text("err");
  ASSERT_EQ(kill(std::stoi(lab::read_text(children)), SIGABRT), 0);
  const Ran ran = finish(process);
  EXPECT_EQ(ran.code, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("failed: public and public, seed 1\n"
                                 "  its process was ended by Aborted\n"
                                 "  replay: kadwire-testnet replay nat-pair:1 --until 7d --set "
                                 "groups.left.nat= --set groups.right.nat=\n"));
}

TEST_F(TestnetProgram, AsksNoTunnelOfAPairWithoutAPath) {
  const Ran ran =
      run({"matrix", "--kinds", "blocked,public", "--seeds", "1", "--set", "expect.pairs_min=3"});
  EXPECT_EQ(ran.code, 0) << ran.err << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 runs of pairs with a path: 1 direct, 0 relayed, 0 without"));
  const Ran silent = run({"matrix", "--kinds", "blocked,public", "--seeds", "1", "--set",
                          "expect.bytes_per_second=1"});
  EXPECT_EQ(silent.code, 1);
  EXPECT_THAT(silent.out, HasSubstr("failed: blocked and blocked, seed 1\n"));
}

TEST_F(TestnetProgram, PlaysNoMatrixInWhichThePairWouldNotMeet) {
  const Words matrix = {"matrix", "--kinds", "public", "--seeds", "1"};
  expect_refused(matrix + Words{"--until", "12s"},
                 HasSubstr("groups.right is to start at 15s, and the end is at 12s"));
  expect_refused(matrix + Words{"--set", "groups.left.starts=false"},
                 HasSubstr("groups.left is to start by an event alone"));
  expect_refused(matrix + Words{"--set", "groups.left.count=0"}, HasSubstr("one member each"));
}

TEST_F(TestnetProgram, DescribesAScenarioThatIsWell) {
  const Ran ran = run({"check", "open-5", "home-nats"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines_of(ran.out), 2U) << ran.out;
  EXPECT_THAT(run({"check", "open-5", "--describe"}).out, HasSubstr("lasts      3min"));
}

TEST_F(TestnetProgram, TeachesEachCommandWithExamples) {
  for (const char* command : {"run", "replay", "sweep", "matrix", "scenarios", "check"}) {
    const Ran ran = run({command, "--help"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr(fmt::format("Examples:\n  kadwire-testnet {}", command)));
    EXPECT_THAT(run({}).err + run({"--help"}).out, HasSubstr(command));
  }
}

TEST_F(TestnetProgram, RefusesASeedThatWouldBecomeAnother) {
  const auto why = HasSubstr("is no seed; 0 to 18446744073709551615");
  for (const char* seed : {"-1", "18446744073709551616", "0x10", "1.5", " 1", ""}) {
    const Ran ran = run(kShortRun + Words{"--seed", seed});
    EXPECT_EQ(ran.code, 2) << seed;
    EXPECT_THAT(ran.err, why);
    EXPECT_THAT(run({"sweep", "open-5", "--first-seed", seed}).err, why);
    EXPECT_EQ(run({"replay", fmt::format("open-5:{}", seed)}).code, 2) << seed;
  }
  EXPECT_EQ(run(kShortRun + Words{"--seed", "18446744073709551615"}).code, 0);
  expect_refused({"sweep", "open-5", "--first-seed", "18446744073709551615", "--seeds", "2"},
                 HasSubstr("2 seeds from 18446744073709551615 on are more than there are"));
}

TEST_F(TestnetProgram, SaysThatAnEmptyScenarioHasNobody) {
  const std::string file = write("empty.toml", "");
  const auto why = HasSubstr("nobody is there; add a group");
  expect_refused({"run", file}, why);
  expect_refused({"check", file}, why);
  const Ran checked = run({"check", "--json", file, path("none.toml")});
  EXPECT_EQ(checked.code, 2);
  const json errors = json::parse(checked.out);
  ASSERT_EQ(errors.size(), 2U) << checked.out;
  EXPECT_THAT(errors.at(0).at("message").get<std::string>(), why);
  EXPECT_THAT(errors.at(1).at("message").get<std::string>(), HasSubstr("No such file"));
}

TEST_F(TestnetProgram, SaysWhatIsWrongWithWhatPeopleMistype) {
  expect_refused({"rnu", "open-5"}, HasSubstr("there is no command 'rnu'; did you mean 'run'?"));
  expect_refused({"fly"}, HasSubstr("there are run, replay, sweep, matrix, scenarios, check"));
  expect_refused({"run", "open-5", "--until", "2"},
                 HasSubstr("--until: '2' is no duration; write it as 250ms, 5s or 1h30min"));
  expect_refused({"matrix", "--kinds", "public,public"}, HasSubstr("'public' is there twice"));
}

TEST_F(TestnetProgram, ExpectsOfFewerMembersWhatTheyCanDo) {
  const Words three = kShortRun + Words{"--nodes", "3"};
  const Ran ran = run(three);
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("3 members, 3 tunnels"));
  const Ran asked = run(three + Words{"--set", "expect.pairs_min=4"});
  EXPECT_EQ(asked.code, 1) << "what is asked for stays";
  EXPECT_THAT(asked.out, HasSubstr("FAIL  at least 4 tunnels at the end: 3"));
}

TEST_F(TestnetProgram, TellsWhenEachPairWasFirstDirect) {
  const Ran ran = run(kShortRun + Words{"--json", path("result.json")});
  EXPECT_THAT(ran.out, HasSubstr("first direct, of 10 pairs: p50 "));
  const json figures = json::parse(text("result.json")).at("figures");
  const double median = figures.at("first_direct_p50_seconds");
  EXPECT_GT(median, 0);
  EXPECT_GE(figures.at("first_direct_p95_seconds"), median);
  EXPECT_GE(figures.at("first_direct_slowest_seconds"), figures.at("first_direct_p95_seconds"));
}

TEST_F(TestnetProgram, TakesTheScenarioBehindAList) {
  const Ran ran = run({"sweep", "--until", "20s", "--seeds", "1", "--parameter",
                       "links.default.loss", "--values", "0", "open-5"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1 of 1 succeeded"));
}

TEST_F(TestnetProgram, RefusesABadCommandLineWithTwo) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"fly"}).code, 2);
  EXPECT_EQ(run({"run"}).code, 2);
  EXPECT_EQ(run(kShortRun + Words{"--seed", "many"}).code, 2);
  EXPECT_EQ(run({"sweep", "open-5", "--parameter", "links.default.loss"}).code, 2);
  expect_refused({"run", "open-5", "--set", "links.default.los=5%"},
                 HasSubstr("did you mean 'loss'?"));
}

}  // namespace
}  // namespace kadwire::testnet
