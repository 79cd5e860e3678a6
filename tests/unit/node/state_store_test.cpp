#include "dht/node_cache.h"
#include "node/state_store.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "tools/testnet/seeded_random.h"
#include "tests/support/temporary_folder.h"

namespace kadwire::node {
namespace {

namespace fs = std::filesystem;
using Mode = StateStore::Mode;

constexpr crypto::MeshId kMesh{std::byte{1}, std::byte{2}, std::byte{3}};
constexpr crypto::MeshId kOtherMesh{std::byte{9}};
const NodeState kState{.record_sequence = 0x0123456789abcdef,
                       .lease_nonce = 7,
                       .lease_since = wall_from_unix_milliseconds(1'764'000'000'123),
                       .dht_port = 40'000};

crypto::NodeIdentity identity_of_seed(std::uint64_t seed) {
  testnet::SeededRandom random(seed);
  return crypto::NodeIdentity::generate(random);
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void overwrite(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777;
}

/// Sets the umask for as long as it lives.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : before_(::umask(mask)) {}
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

/// Lets no file of this process grow above a size, for as long as it lives: a disk that is full.
class ScopedFileSizeLimit {
 public:
  explicit ScopedFileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ScopedFileSizeLimit(const ScopedFileSizeLimit&) = delete;
  ScopedFileSizeLimit& operator=(const ScopedFileSizeLimit&) = delete;
  ~ScopedFileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class StateStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] StateStore open(Mode mode = Mode::kKeep, const crypto::MeshId& mesh = kMesh) const {
    auto store = StateStore::open(folder_, mesh, mode);
    if (!store) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }
  [[nodiscard]] std::string open_error(const crypto::MeshId& mesh = kMesh) const {
    const auto store = StateStore::open(folder_, mesh, Mode::kKeep);
    return store ? "" : store.error().message;
  }

  testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path() / "new" / "kadwire0";
};

TEST_F(StateStoreTest, IsEmptyAtFirst) {
  const StateStore store = open();
  const auto identity = store.load_identity();
  ASSERT_TRUE(identity);
  EXPECT_FALSE(identity->has_value());
  EXPECT_EQ(*store.load_node_state(), NodeState{});
  EXPECT_TRUE(store.load_peer_cache().empty());
  EXPECT_TRUE(store.load_dht_nodes().empty());
}

TEST_F(StateStoreTest, LoadsAfterARestartWhatWasSaved) {
  const crypto::NodeIdentity identity = identity_of_seed(1);
  const std::vector<Bytes> records{{}, {std::byte{1}}, Bytes(kCachedRecordBytesMax, std::byte{2})};
  const std::vector<dht::KnownNode> nodes{
      {.id = {std::byte{3}}, .endpoint = *Endpoint::parse("192.0.2.1:4222")},
      {.id = {std::byte{4}}, .endpoint = *Endpoint::parse("[2001:db8::1]:1")}};
  {
    StateStore store = open();
    ASSERT_TRUE(store.save_identity(identity));
    ASSERT_TRUE(store.save_node_state(kState));
    ASSERT_TRUE(store.save_peer_cache(records));
    ASSERT_TRUE(store.save_dht_nodes(nodes));
  }
  const StateStore store = open();
  const auto loaded = store.load_identity();
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->node_id(), identity.node_id());
  EXPECT_EQ((*loaded)->wireguard_key(), identity.wireguard_key());
  EXPECT_EQ(*store.load_node_state(), kState);
  EXPECT_EQ(store.load_peer_cache(), records);
  EXPECT_EQ(store.load_dht_nodes(), nodes);
}

TEST_F(StateStoreTest, ReplacesWhatItSavedBefore) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(NodeState{}));
  ASSERT_TRUE(store.save_node_state(kState));
  EXPECT_EQ(*store.load_node_state(), kState);
  EXPECT_FALSE(fs::exists(folder_ / "state.new"));
}

TEST_F(StateStoreTest, KeepsTheFirstOfMoreThanItsCachesHold) {
  StateStore store = open();
  std::vector<Bytes> records(kCachedRecordsMax + 1, Bytes{std::byte{1}});
  records.front() = {std::byte{2}};
  const dht::KnownNode node{{}, Endpoint{IpAddress::v4(0x01020304), 4222}};
  const std::vector<dht::KnownNode> nodes(dht::kCachedNodesMax + 1, node);
  ASSERT_TRUE(store.save_peer_cache(records));
  ASSERT_TRUE(store.save_dht_nodes(nodes));
  EXPECT_EQ(store.load_peer_cache().size(), kCachedRecordsMax);
  EXPECT_EQ(store.load_peer_cache().front(), records.front());
  EXPECT_EQ(store.load_dht_nodes().size(), dht::kCachedNodesMax);
}

TEST_F(StateStoreTest, IsClosedToOthersWhateverTheUmask) {
  for (const mode_t mask : {0000, 0022, 0777}) {
    const fs::path folder = temporary_.path() / std::to_string(mask);
    const ScopedUmask umask(mask);
    auto store = StateStore::open(folder, kMesh, Mode::kKeep);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(store->save_identity(identity_of_seed(1)));
    EXPECT_EQ(mode_of(folder), 0700U);
    EXPECT_EQ(mode_of(folder / "identity"), 0600U);
  }
}

TEST_F(StateStoreTest, RefusesAFolderThatIsOpenToOthersAndDoesNotChangeIt) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms(0755));
  EXPECT_NE(open_error().find(folder_.string()), std::string::npos);
  EXPECT_EQ(mode_of(folder_), 0755U);
}

TEST_F(StateStoreTest, RefusesAnIdentityThatOthersMayRead) {
  StateStore store = open();
  ASSERT_TRUE(store.save_identity(identity_of_seed(1)));
  fs::permissions(folder_ / "identity", fs::perms(0640));
  const auto identity = store.load_identity();
  ASSERT_FALSE(identity);
  EXPECT_NE(identity.error().message.find((folder_ / "identity").string()), std::string::npos);
}

TEST_F(StateStoreTest, NamesTheFolderThatCannotBeOne) {
  overwrite(temporary_.path() / "new", "a file where the parent should be");
  EXPECT_NE(open_error().find(folder_.string()), std::string::npos);
  fs::remove(temporary_.path() / "new");
  fs::create_directories(folder_.parent_path());
  overwrite(folder_, "a file where the folder should be");
  EXPECT_NE(open_error().find("Not a directory"), std::string::npos) << open_error();
}

TEST_F(StateStoreTest, IsForOneDaemonAtATime) {
  {
    StateStore first = open();
    StateStore moved = std::move(first);
    EXPECT_NE(open_error().find("in use by another kadwire"), std::string::npos);
  }
  EXPECT_EQ(open_error(), "") << "the lock ends with its holder";
}

TEST_F(StateStoreTest, RefusesAnIdentityWithAnyByteChangedAndLeavesItAsItIs) {
  StateStore store = open();
  ASSERT_TRUE(store.save_identity(identity_of_seed(1)));
  const std::string good = content_of(folder_ / "identity");
  ASSERT_EQ(good.size(), 64 + kStateFrameBytes);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    overwrite(folder_ / "identity", changed);
    EXPECT_FALSE(store.load_identity()) << "byte " << i;
    EXPECT_FALSE(store.save_identity(identity_of_seed(2))) << "byte " << i;
    EXPECT_EQ(content_of(folder_ / "identity"), changed) << "byte " << i;
  }
}

TEST_F(StateStoreTest, RefusesAnIdentityOfAnyOtherLength) {
  StateStore store = open();
  ASSERT_TRUE(store.save_identity(identity_of_seed(1)));
  const std::string good = content_of(folder_ / "identity");
  for (std::size_t length = 0; length < good.size(); ++length) {
    overwrite(folder_ / "identity", good.substr(0, length));
    EXPECT_FALSE(store.load_identity()) << length;
  }
  overwrite(folder_ / "identity", good + '\0');
  EXPECT_FALSE(store.load_identity());
  overwrite(folder_ / "identity", good);
  EXPECT_TRUE(store.load_identity());
}

TEST_F(StateStoreTest, RefusesAnotherFormatVersionAndSaysSo) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(kState));
  std::string newer = content_of(folder_ / "state");
  newer[8] = static_cast<char>(kStateFormatVersion + 1);
  overwrite(folder_ / "state", newer);
  const auto state = store.load_node_state();
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("another version"), std::string::npos);
  EXPECT_FALSE(store.save_node_state(kState));
  EXPECT_EQ(content_of(folder_ / "state"), newer);
}

TEST_F(StateStoreTest, RefusesAFileUnderAnothersName) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(kState));
  fs::rename(folder_ / "state", folder_ / "peers");
  EXPECT_TRUE(store.load_peer_cache().empty());
  const auto saved = store.save_peer_cache({});
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find((folder_ / "peers").string()), std::string::npos);
}

TEST_F(StateStoreTest, LoadsADamagedCacheAsEmptyAndDoesNotOverwriteIt) {
  StateStore store = open();
  overwrite(folder_ / "peers", "scribble");
  overwrite(folder_ / "dht-nodes", "");
  EXPECT_TRUE(store.load_peer_cache().empty());
  EXPECT_TRUE(store.load_dht_nodes().empty());
  EXPECT_FALSE(store.save_peer_cache({}));
  EXPECT_FALSE(store.save_dht_nodes({}));
  EXPECT_EQ(content_of(folder_ / "peers"), "scribble");
}

TEST_F(StateStoreTest, DoesNotFollowLinksNorWaitForPipes) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(NodeState{}));
  const fs::path elsewhere = temporary_.path() / "elsewhere";
  fs::rename(folder_ / "state", elsewhere);
  const std::string whole = content_of(elsewhere);
  fs::create_symlink(elsewhere, folder_ / "state");
  EXPECT_FALSE(store.load_node_state());
  EXPECT_FALSE(store.save_node_state(kState));
  EXPECT_EQ(content_of(elsewhere), whole);
  ASSERT_EQ(::mkfifo((folder_ / "identity").c_str(), 0600), 0);
  EXPECT_FALSE(store.load_identity());
}

TEST_F(StateStoreTest, WritesThroughNoLinkLeftUnderItsTemporaryName) {
  StateStore store = open();
  overwrite(temporary_.path() / "elsewhere", "precious");
  fs::create_symlink(temporary_.path() / "elsewhere", folder_ / "state.new");
  ASSERT_TRUE(store.save_node_state(kState));
  EXPECT_EQ(content_of(temporary_.path() / "elsewhere"), "precious");
  EXPECT_EQ(*store.load_node_state(), kState);
}

TEST_F(StateStoreTest, ReplacesWhatACrashLeftBeforeTheRename) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(NodeState{}));
  overwrite(folder_ / "state.new", "half a fi");
  EXPECT_EQ(*store.load_node_state(), NodeState{});
  ASSERT_TRUE(store.save_node_state(kState));
  EXPECT_EQ(*store.load_node_state(), kState);
}

TEST_F(StateStoreTest, RefusesTheStateOfAnotherMesh) {
  ASSERT_TRUE(open().save_identity(identity_of_seed(1)));
  const std::string error = open_error(kOtherMesh);
  EXPECT_NE(error.find((folder_ / "identity").string()), std::string::npos) << error;
  EXPECT_NE(error.find("another mesh"), std::string::npos) << error;
  EXPECT_EQ(open_error(kMesh), "") << "and it stays where it is";
}

TEST_F(StateStoreTest, SetsTheStateOfAnotherMeshAsideWhenToldToStartAfresh) {
  for (const std::uint64_t seed : {1, 2}) {
    StateStore store = open(Mode::kStartAfresh, seed == 1 ? kMesh : kOtherMesh);
    EXPECT_FALSE(store.load_identity()->has_value());
    ASSERT_TRUE(store.save_identity(identity_of_seed(seed)));
    ASSERT_TRUE(store.save_node_state(kState));
  }
  const StateStore third = open(Mode::kStartAfresh, kMesh);
  EXPECT_FALSE(third.load_identity()->has_value());
  EXPECT_EQ(mode_of(folder_ / "identity.old-1"), 0600U);
  EXPECT_TRUE(fs::exists(folder_ / "state.old-1"));
  EXPECT_TRUE(fs::exists(folder_ / "identity.old-2"));
  EXPECT_NE(content_of(folder_ / "identity.old-1"), content_of(folder_ / "identity.old-2"));
}

TEST_F(StateStoreTest, KeepsItsOwnStateWhenToldToStartAfresh) {
  ASSERT_TRUE(open().save_identity(identity_of_seed(1)));
  const StateStore store = open(Mode::kStartAfresh);
  const auto identity = store.load_identity();
  ASSERT_TRUE(identity && *identity);
  EXPECT_EQ((*identity)->node_id(), identity_of_seed(1).node_id());
}

TEST_F(StateStoreTest, KeepsTheOldFileWhenTheNewOneCannotBeWrittenWhole) {
  StateStore store = open();
  ASSERT_TRUE(store.save_node_state(NodeState{}));
  {
    const ScopedFileSizeLimit limit(10);
    const auto saved = store.save_node_state(kState);
    ASSERT_FALSE(saved);
    EXPECT_NE(saved.error().message.find((folder_ / "state").string()), std::string::npos);
  }
  EXPECT_EQ(*store.load_node_state(), NodeState{});
  EXPECT_FALSE(fs::exists(folder_ / "state.new"));
}

TEST_F(StateStoreTest, KeepsTheOldFileWhenTheDiskIsFull) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms(0700));
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", folder_.c_str(), "tmpfs", 0, "size=16k,mode=0700") != 0) {
    GTEST_SKIP() << "a file system of 16 KiB needs root";
  }
  {
    StateStore store = open();
    ASSERT_TRUE(store.save_node_state(NodeState{}));
    overwrite(folder_ / "filler", std::string(64 * 1024, 'x'));
    const auto saved = store.save_node_state(kState);
    ASSERT_FALSE(saved);
    EXPECT_NE(saved.error().message.find("No space left on device"), std::string::npos);
    EXPECT_EQ(*store.load_node_state(), NodeState{});
  }
  ASSERT_EQ(::umount(folder_.c_str()), 0);
}

TEST_F(StateStoreTest, NeverWritesTheSeedsAnywhereElse) {
  const crypto::NodeIdentity identity = identity_of_seed(1);
  StateStore store = open();
  ASSERT_TRUE(store.save_identity(identity));
  ASSERT_TRUE(store.save_node_state(kState));
  const auto seed = as_text(identity.identity_seed().view());
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const bool holds_seed = content_of(entry.path()).find(seed) != std::string::npos;
    EXPECT_EQ(holds_seed, entry.path().filename() == "identity") << entry.path();
  }
}

}  // namespace
}  // namespace kadwire::node
