#include "node/control/secret_source.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace kadwire::control {
namespace {

constexpr const char* kUri = "kadwire://v1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
constexpr const char* kPassphrase = "correct horse battery";

/// Arguments in memory that can be looked at afterwards, as ps does.
struct ArgumentMemory {
  explicit ArgumentMemory(std::vector<std::string> given) : words(std::move(given)) {
    words.insert(words.begin(), "kadwire");
    for (std::string& word : words) argv.push_back(word.data());
  }
  Arguments take() { return take_arguments(static_cast<int>(argv.size()), argv.data()); }
  std::vector<std::string> words;
  std::vector<char*> argv;
};

std::string text_of(const std::optional<crypto::SecretBytes>& secret) {
  return secret ? std::string(as_text(secret->view())) : "none";
}

TEST(TakeArguments, MovesTheSecretOutOfBothSpellings) {
  for (const std::vector<std::string>& spelling : std::vector<std::vector<std::string>>{
           {"join", "--secret", kPassphrase, "--json"},
           {"join", std::string("--secret=") + kPassphrase, "--json"}}) {
    ArgumentMemory memory(spelling);
    const Arguments arguments = memory.take();
    EXPECT_EQ(text_of(arguments.secret), kPassphrase);
    EXPECT_EQ(arguments.words, (std::vector<std::string>{"join", "--secret", "--json"}));
    for (const std::string& word : memory.words) {
      EXPECT_EQ(word.find("horse"), std::string::npos) << word;
    }
  }
}

TEST(TakeArguments, WipesASecretInTheWrongPlaceToo) {
  ArgumentMemory memory({"join", kUri});
  const Arguments arguments = memory.take();
  EXPECT_EQ(text_of(arguments.secret), "none");
  EXPECT_EQ(arguments.words, (std::vector<std::string>{"join", "kadwire:..."}));
  EXPECT_EQ(memory.words[2], std::string(std::string_view(kUri).size(), '*'));
}

TEST(TakeArguments, LeavesEverythingElseAlone) {
  ArgumentMemory memory({"join", "--secret-file", "f", "--secret"});
  const Arguments arguments = memory.take();
  EXPECT_EQ(arguments.words, (std::vector<std::string>{"join", "--secret-file", "f", "--secret"}));
  EXPECT_EQ(text_of(arguments.secret), "none");
  EXPECT_EQ(memory.words[2], "--secret-file");
}

TEST(TakeArguments, TakesAnEmptySecretForOne) {
  ArgumentMemory memory({"join", "--secret="});
  EXPECT_EQ(text_of(memory.take().secret), "");
}

TEST(TakeEnvironmentSecret, LeavesNoneOfItsBytesBehind) {
  ::setenv("KADWIRE_SECRET", kPassphrase, 1);
  const char* where = ::getenv("KADWIRE_SECRET");
  const auto secret = take_environment_secret();
  EXPECT_EQ(text_of(secret), kPassphrase);
  EXPECT_EQ(::getenv("KADWIRE_SECRET"), nullptr);
  EXPECT_EQ(std::string(where), std::string(std::string_view(kPassphrase).size(), '*'));
}

TEST(TakeEnvironmentSecret, TakesAnEmptyVariableForNone) {
  ::setenv("KADWIRE_SECRET", "", 1);
  EXPECT_EQ(text_of(take_environment_secret()), "none");
  EXPECT_EQ(text_of(take_environment_secret()), "none");
}

class ReadMeshSecret : public ::testing::Test {
 protected:
  /// The first byte of the secret each source holds, to tell them apart.
  static std::string uri(char first) {
    return std::string("kadwire://v1/") + first + std::string(42, 'A');
  }
  static crypto::SecretBytes bytes(const std::string& text) {
    return crypto::SecretBytes::copy_of(as_bytes(text));
  }
  std::string read(SecretSources sources) {
    const auto secret = read_mesh_secret(std::move(sources), warnings);
    if (!secret) return secret.error().message;
    // 'B', 'C', … in base64url are 1, 2, … in the upper six bits of the first byte.
    return std::string(1, static_cast<char>('A' + (static_cast<int>(secret->ikm.view()[0]) >> 2)));
  }
  kadwire::testing::TemporaryFolder folder;
  std::ostringstream warnings;
};

TEST_F(ReadMeshSecret, AsksTheSourcesInTheirOrder) {
  const auto all = [&] {
    SecretSources sources;
    sources.argument = bytes(uri('B'));
    sources.file = folder.write("c", uri('C'));
    sources.environment = bytes(uri('D'));
    sources.environment_file = folder.write("e", uri('E'));
    sources.configuration_file = folder.write("f", uri('F'));
    return sources;
  };
  SecretSources sources = all();
  EXPECT_EQ(read(std::move(sources)), "B");
  sources = all();
  sources.argument.reset();
  EXPECT_EQ(read(std::move(sources)), "C");
  sources = all();
  sources.argument.reset();
  sources.file.reset();
  EXPECT_EQ(read(std::move(sources)), "D");
  sources = all();
  sources.argument.reset();
  sources.file.reset();
  sources.environment.reset();
  EXPECT_EQ(read(std::move(sources)), "E");
  sources = all();
  sources.argument.reset();
  sources.file.reset();
  sources.environment.reset();
  sources.environment_file.reset();
  EXPECT_EQ(read(std::move(sources)), "F");
}

TEST_F(ReadMeshSecret, DropsTheNewlineOfAFile) {
  SecretSources unix_file, dos_file;
  unix_file.file = folder.write("unix", uri('G') + "\n");
  dos_file.file = folder.write("dos", uri('H') + "\r\n");
  EXPECT_EQ(read(std::move(unix_file)), "G");
  EXPECT_EQ(read(std::move(dos_file)), "H");
}

TEST_F(ReadMeshSecret, NamesTheSourceOfABadSecret) {
  SecretSources sources;
  sources.environment = bytes("short");
  EXPECT_TRUE(read(std::move(sources)).starts_with("KADWIRE_SECRET: ")) << warnings.str();
  sources = {};
  sources.argument = bytes("short");
  EXPECT_TRUE(read(std::move(sources)).starts_with("--secret: "));
}

TEST_F(ReadMeshSecret, ReadsNoFurtherThanASecretCanReach) {
  SecretSources sources;
  sources.file = "/dev/zero";
  EXPECT_TRUE(read(std::move(sources)).starts_with("/dev/zero: "));
}

}  // namespace
}  // namespace kadwire::control
