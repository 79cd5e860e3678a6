#include "node/control/completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>

#include "tests/support/temporary_folder.h"

namespace kadwire::control {
namespace {

const std::vector<CommandWords> kCommands{
    {"", "", {"join", "peers"}, {"--help"}},
    {"join", "Join a mesh, it's easy", {}, {"--json", "--listen-port"}},
    {"peers", "The others", {"list", "get"}, {"--help"}},
    {"peers list", "List", {}, {"--json"}},
    {"peers get", "Get", {}, {"--json", "--interface"}},
};

/// What bash would offer after these words, the last of which is still being typed.
std::string offered(const std::string& script_file, const std::string& words, int last) {
  const std::string command = "bash -c 'source " + script_file + "; COMP_WORDS=(" + words +
                              "); COMP_CWORD=" + std::to_string(last) +
                              "; _kadwire; echo \"${COMPREPLY[@]}\"' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 1024> line{};
  return std::fgets(line.data(), line.size(), pipe.get()) == nullptr ? "" : line.data();
}

TEST(BashCompletion, OffersWhatFitsTheCommandsTypedSoFar) {
  const kadwire::testing::TemporaryFolder folder;
  const std::string script = folder.write("script", bash_completion(kCommands)).string();
  EXPECT_EQ(offered(script, "kadwire j", 1), "join\n");
  EXPECT_EQ(offered(script, "kadwire peers \"\"", 2), "list get --help\n");
  EXPECT_EQ(offered(script, "kadwire join --l", 2), "--listen-port\n");
  EXPECT_EQ(offered(script, "kadwire peers --json get --i", 4), "--interface\n");
}

TEST(FishCompletion, QuotesDescriptions) {
  const std::string script = fish_completion(kCommands);
  EXPECT_NE(script.find("-a join -d 'Join a mesh, it\\'s easy'"), std::string::npos) << script;
  EXPECT_NE(script.find("test (__kadwire_path) = 'peers get'\" -l interface"), std::string::npos);
}

TEST(ZshCompletion, RunsTheBashFunction) {
  const std::string script = zsh_completion(kCommands);
  EXPECT_NE(script.find("bashcompinit"), std::string::npos);
  EXPECT_NE(script.find(bash_completion(kCommands)), std::string::npos);
}

}  // namespace
}  // namespace kadwire::control
