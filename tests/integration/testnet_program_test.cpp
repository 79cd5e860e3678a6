/// kadwire-testnet as a user runs it: one seed is one run whatever else goes on, what is wrong is
/// said in a line, and what was simulated is never lost.

#include "tests/integration/testnet_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kadwire::testnet {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

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
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep the heap, and OpenDHT goes by addresses (simulation_heap.h)";
#endif
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
