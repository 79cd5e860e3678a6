#include "node/control/socket_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace kadwire::control {
namespace {

namespace fs = std::filesystem;

struct SocketFiles : ::testing::Test {
  kadwire::testing::TemporaryFolder folder;
  const fs::path path = folder.path() / "kadwire0.sock";
};

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

/// A socket bound at `path`; nobody listens on it once the result is gone.
node::UniqueFd bind_at(const fs::path& path, bool listening) {
  node::UniqueFd descriptor(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(descriptor.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  if (listening) {
    EXPECT_EQ(::listen(descriptor.get(), 1), 0);
  }
  return descriptor;
}

TEST_F(SocketFiles, ArePrivateWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const auto file = SocketFile::listen(path);
  ::umask(before);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(mode_of(path), 0600U);
}

TEST_F(SocketFiles, BringTheirFolderWithThem) {
  const auto file = SocketFile::listen(folder.path() / "new" / "kadwire0.sock");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(mode_of(folder.path() / "new"), ::geteuid() == 0 ? 0755U : 0700U);
}

TEST_F(SocketFiles, GoWithTheirOwner) {
  {
    const auto file = SocketFile::listen(path);
    ASSERT_TRUE(file) << file.error().message;
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(SocketFiles, LeaveASuccessorInPlace) {
  auto first = SocketFile::listen(path);
  ASSERT_TRUE(first) << first.error().message;
  fs::remove(path);
  std::ofstream(path) << "another's";
  { const SocketFile gone = std::move(*first); }
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SocketFiles, ReplaceASocketThatNobodyListensOn) {
  bind_at(path, true).reset();
  ASSERT_TRUE(fs::is_socket(path));
  const auto file = SocketFile::listen(path);
  ASSERT_TRUE(file) << file.error().message;
}

TEST_F(SocketFiles, RefuseASocketThatSomebodyListensOn) {
  const auto first = SocketFile::listen(path);
  ASSERT_TRUE(first);
  const auto second = SocketFile::listen(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "another daemon already listens at " + path.string());
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(SocketFiles, RefuseAndKeepWhateverIsNoSocket) {
  folder.write("kadwire0.sock", "precious");
  const auto on_file = SocketFile::listen(path);
  ASSERT_FALSE(on_file);
  EXPECT_NE(on_file.error().message.find("is not a socket"), std::string::npos);
  EXPECT_EQ(fs::file_size(path), 8U);

  const fs::path link = folder.path() / "link.sock";
  fs::create_symlink(path, link);
  EXPECT_FALSE(SocketFile::listen(link));
  EXPECT_TRUE(fs::is_symlink(link));
}

TEST_F(SocketFiles, NameTheFolderThatIsMissing) {
  const auto file = SocketFile::listen(folder.path() / "no" / "such" / "x.sock");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find((folder.path() / "no" / "such").string()), std::string::npos)
      << file.error().message;
}

TEST_F(SocketFiles, RefuseAPathThatTheSystemWouldCutShort) {
  const auto file = SocketFile::listen(folder.path() / std::string(120, 'x'));
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("and the system allows 107"), std::string::npos);
}

}  // namespace
}  // namespace kadwire::control
