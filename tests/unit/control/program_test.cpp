/// The real program `kadwire` in a process of its own: what only a process can show.

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/adapters/unique_fd.h"
#include "node/control/cli.h"
#include "node/control/privileges.h"
#include "tests/support/temporary_folder.h"

namespace kadwire::control {
namespace {

using node::UniqueFd;

const std::string kProgram = std::string(KADWIRE_BIN) + "/kadwire";
constexpr const char* kSecret = "kadwire://v1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
constexpr int kPatienceMs = 20'000;  ///< for anything that must happen
constexpr uid_t kNobody = 65534;

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Where a child's standard streams lead.
enum class Streams { kPipe, kTerminal };

struct ChildOptions {
  std::vector<std::string> words{};
  std::vector<std::string> environment{};  ///< "NAME=value"
  Streams streams = Streams::kPipe;
  uid_t user = ::geteuid();
  std::string output_file{};  ///< standard output, instead of the pipe
};

/// One run of the program; killed if it is still there in the end.
class Child {
 public:
  explicit Child(const ChildOptions& options) {
    if (options.streams == Streams::kTerminal) {
      int master = -1;
      pid_ = ::forkpty(&master, nullptr, nullptr, nullptr);
      if (pid_ == 0) become(options);
      output_.reset(master);
      return;
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    output_.reset(ends[0]);
    UniqueFd write_end(ends[1]);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::setsid();  // away from whatever terminal the test has
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    const int out = options.output_file.empty()
                        ? write_end.get()
                        : ::open(options.output_file.c_str(), O_WRONLY | O_CREAT, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(write_end.get(), STDERR_FILENO);
    become(options);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] std::string proc(const char* file) const {
    return read_whole("/proc/" + std::to_string(pid_) + "/" + file);
  }
  void type(std::string_view keys) {
    EXPECT_EQ(::write(output_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// Reads until `part` was seen, or the end; everything seen so far.
  const std::string& see(std::string_view part) {
    std::array<char, 4096> chunk;
    while (part.empty() || seen_.find(part) == std::string::npos) {
      pollfd waiting{output_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, kPatienceMs) != 1) {
        ADD_FAILURE() << "still waiting; so far: " << seen_;
        break;
      }
      const ssize_t count = ::read(output_.get(), chunk.data(), chunk.size());
      if (count <= 0) break;  // a terminal ends with EIO
      seen_.append(chunk.data(), static_cast<std::size_t>(count));
    }
    return seen_;
  }
  /// Its exit code, after all its output.
  int wait() {
    see("");
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  [[noreturn]] static void become(const ChildOptions& options) {
    if (options.user != ::geteuid()) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(options.user) != 0 ||
          ::setuid(options.user) != 0) {
        ::_exit(125);
      }
    }
    std::vector<char*> argv{const_cast<char*>("kadwire")};
    for (const std::string& word : options.words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> environment;
    for (const std::string& variable : options.environment) {
      environment.push_back(const_cast<char*>(variable.c_str()));
    }
    environment.push_back(nullptr);
    ::execve(kProgram.c_str(), argv.data(), environment.data());
    ::_exit(126);
  }

  pid_t pid_ = -1;
  UniqueFd output_;
  std::string seen_;
};

TEST(Program, LeavesNoSecretInItsArgumentsOrEnvironment) {
  const kadwire::testing::TemporaryFolder folder;
  const std::string path = (folder.path() / "silent.sock").string();
  const UniqueFd silent(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(silent.get(), 1), 0);

  Child child({.words = {"peers", "get", kSecret, "--socket-path", path},
               .environment = {std::string("KADWIRE_SECRET=") + kSecret, "OTHER=kept"}});
  // Once it asks the daemon, which never answers, everything before has happened.
  pollfd asking{silent.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&asking, 1, kPatienceMs), 1);
  const std::string arguments = child.proc("cmdline");
  const std::string environment = child.proc("environ");
  EXPECT_NE(arguments.find("silent.sock"), std::string::npos);
  EXPECT_EQ(arguments.find("AAECAwQF"), std::string::npos);
  EXPECT_NE(environment.find("OTHER=kept"), std::string::npos);
  EXPECT_EQ(environment.find("AAECAwQF"), std::string::npos);
}

TEST(Program, AsksForTheSecretWithoutShowingIt) {
  if (!may_administer_network()) GTEST_SKIP() << "join asks for CAP_NET_ADMIN first";
  Child child({.words = {"join"}, .streams = Streams::kTerminal});
  child.see("(not shown): ");
  EXPECT_NE(child.proc("limits").find("Max core file size        0 "), std::string::npos);
  // Without Ctrl-U (0x15) and backspace (0x7f) it would begin with "kadwire:" and fail otherwise.
  child.type("kadwire://typed\x15kadwire:\x7f\r");
  EXPECT_EQ(child.wait(), kExitFailed);
  const std::string& seen = child.see("");
  EXPECT_NE(seen.find("your input: The secret is shorter than 16 bytes"), std::string::npos)
      << seen;
  EXPECT_EQ(seen.find("typed"), std::string::npos) << seen;
}

TEST(Program, GivesUpAtCtrlC) {
  if (!may_administer_network()) GTEST_SKIP() << "join asks for CAP_NET_ADMIN first";
  Child child({.words = {"join"}, .streams = Streams::kTerminal});
  child.see("(not shown): ");
  child.type("half a sec\x03");
  EXPECT_EQ(child.wait(), kExitFailed);
  EXPECT_NE(child.see("").find("kadwire: no secret was entered"), std::string::npos);
}

TEST(Program, SaysSoIfThereIsNobodyToAsk) {
  if (!may_administer_network()) GTEST_SKIP() << "join asks for CAP_NET_ADMIN first";
  Child child({.words = {"join"}});
  EXPECT_EQ(child.wait(), kExitFailed);
  EXPECT_NE(child.see("").find("there is no terminal to ask on; use --secret-file"),
            std::string::npos)
      << child.see("");
}

TEST(Program, TellsAnOrdinaryUserThatJoinNeedsRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become an ordinary user";
  Child child({.words = {"join", "--secret-file", "/no/such/secret"}, .user = kNobody});
  const int code = child.wait();
  if (code == 126) GTEST_SKIP() << "an ordinary user may not run " << kProgram;
  EXPECT_EQ(code, kExitFailed);
  EXPECT_EQ(child.see(""),
            "kadwire: join makes a network interface, which needs root (or CAP_NET_ADMIN); "
            "try: sudo kadwire join\n");
}

TEST(Program, ChecksAnOrdinaryUsersArgumentsBeforeTheirRights) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become an ordinary user";
  Child child({.words = {"join", "--listen-port", "0"}, .user = kNobody});
  const int code = child.wait();
  if (code == 126) GTEST_SKIP() << "an ordinary user may not run " << kProgram;
  EXPECT_EQ(code, kExitUsage);
}

TEST(Program, FailsWhereItsOutputCannotBeWritten) {
  Child child({.words = {"version"}, .output_file = "/dev/full"});
  EXPECT_EQ(child.wait(), kExitFailed);
}

TEST(Program, WarnsOfASecretThatWentToAnOpenFile) {
  const kadwire::testing::TemporaryFolder folder;
  const std::string open_file = (folder.path() / "open").string();
  const std::string closed_file = folder.write("closed", "").string();
  const mode_t before = ::umask(022);
  Child exposed({.words = {"init"}, .output_file = open_file});
  EXPECT_EQ(exposed.wait(), kExitOk);
  ::umask(before);
  EXPECT_NE(exposed.see("").find("warning: others can read the file"), std::string::npos);
  Child kept({.words = {"init"}, .output_file = closed_file});
  EXPECT_EQ(kept.wait(), kExitOk);
  EXPECT_EQ(kept.see("").find("warning"), std::string::npos);
  EXPECT_TRUE(read_whole(closed_file).starts_with("kadwire://v1/"));
}

}  // namespace
}  // namespace kadwire::control
