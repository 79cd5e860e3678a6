#pragma once

/// kadwire-testnet in a folder of its own, for tests that run it as a user does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/temporary_folder.h"
#include "tools/lab/process.h"

namespace kadwire::testnet {

using Words = std::vector<std::string>;

/// The longest takes a minute of two cores under a sanitizer; this one's are busy.
inline constexpr auto kRunTimeMax = 250s;
/// What is refused is refused at once: before any simulation.
inline constexpr auto kRefusalTimeMax = 20s;
/// A mesh that has formed when it ends, in a fraction of a second.
inline const Words kShortRun = {"run", "open-5", "--until", "20s"};

struct Ran {
  int code = -1;  ///< -1: it did not end in time
  std::string out;
  std::string err;
};

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

/// Not a matcher: it would print the page.
inline bool is_whole_page(const std::string& text) {
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
    EXPECT_THAT(again.out, ::testing::HasSubstr("FAIL  " + failure.complaint)) << failure.replay;
  }

  static std::string hash_of(const std::string& result) {
    const auto parsed = nlohmann::json::parse(result, nullptr, false);
    return parsed.is_object() ? parsed.value("trace_hash", "no hash") : "no JSON: " + result;
  }

 private:
  testing::TemporaryFolder folder_;
};

}  // namespace kadwire::testnet
