#include "crypto/mesh_secret.h"

#include <gtest/gtest.h>

#include "tools/testnet/seeded_random.h"
#include "tests/support/vectors.h"

namespace kadwire::crypto {
namespace {

using namespace std::string_literals;

constexpr std::string_view kUri = "kadwire://v1/ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";
constexpr std::string_view kUriIkm =
    "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283";

std::string ikm_of(std::string_view text) {
  const auto secret = parse_mesh_secret(text);
  return secret ? to_hex(secret->ikm.view()) : "";
}

tl::expected<std::string, SecretError> reparse(std::string_view text) {
  return parse_mesh_secret(text).map(format_mesh_secret);
}

TEST(MeshSecret, TakesItsBytesFromAUri) {
  EXPECT_EQ(ikm_of(kUri), kUriIkm);
}

TEST(MeshSecret, IsWrittenAsItWasRead) {
  for (const std::string query :
       {"", "?net=10.0.0.0/8", "?net=192.168.7.0/28", "?net=172.31.255.252/30"}) {
    const std::string uri = std::string(kUri) + query;
    EXPECT_EQ(reparse(uri), uri);
  }
}

TEST(MeshSecret, DropsOneNewlineAndNoMore) {
  const std::string uri(kUri);
  EXPECT_EQ(ikm_of(uri + "\n"), kUriIkm);
  EXPECT_EQ(ikm_of(uri + "\r\n"), kUriIkm);
  EXPECT_EQ(parse_mesh_secret(uri + "\n\n").error(), SecretError::kBadKey);
  EXPECT_EQ(parse_mesh_secret(uri + "\r").error(), SecretError::kBadKey);
  EXPECT_EQ(parse_mesh_secret(uri + " ").error(), SecretError::kBadKey);
}

struct Refusal {
  std::string text;
  SecretError error;
};

TEST(MeshSecret, RefusesAUriWithTheReason) {
  const std::string uri(kUri);
  const std::string other_bits = uri.substr(0, uri.size() - 1) + "N";  // two unused bits set
  const Refusal refusals[] = {
      {"kadwire:", SecretError::kUnknownVersion},
      {"kadwire:a passphrase that begins so", SecretError::kUnknownVersion},
      {"kadwire://v2/" + uri.substr(13), SecretError::kUnknownVersion},
      {"kadwire://v1" + uri.substr(13), SecretError::kUnknownVersion},
      {"kadwire://V1/" + uri.substr(13), SecretError::kUnknownVersion},
      {"kadwire://v1/", SecretError::kBadKey},
      {uri.substr(0, uri.size() - 1), SecretError::kBadKey},
      {uri + "A", SecretError::kBadKey},
      {uri + "=", SecretError::kBadKey},
      {uri + "/", SecretError::kBadKey},
      {uri + "#x", SecretError::kBadKey},
      {uri + "\xff", SecretError::kBadKey},
      {other_bits, SecretError::kBadKey},
      {uri + "?", SecretError::kUnknownQuery},
      {uri + "?net", SecretError::kUnknownQuery},
      {uri + "?Net=10.0.0.0/8", SecretError::kUnknownQuery},
      {uri + "?mtu=1280", SecretError::kUnknownQuery},
      {uri + "?net=10.0.0.0/8&net=10.0.0.0/8", SecretError::kUnknownQuery},
      {uri + "?net=10.0.0.0/8&", SecretError::kUnknownQuery},
      {uri + "?net=", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0/7", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0/31", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.1/8", SecretError::kBadNetwork},
      {uri + "?net=fd00::/16", SecretError::kBadNetwork},
      {uri + "?net=::ffff:10.0.0.0/8", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0%2f8", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0/8#x", SecretError::kBadNetwork},
      {uri + "?net=10.0.0.0/8?net=10.0.0.0/8", SecretError::kBadNetwork},
  };
  for (const Refusal& refusal : refusals) {
    const auto secret = parse_mesh_secret(refusal.text);
    ASSERT_FALSE(secret) << refusal.text;
    EXPECT_EQ(secret.error(), refusal.error) << refusal.text;
  }
}

TEST(MeshSecret, RefusesAPassphraseThatIsTooShortTooLongOrNotText) {
  const Refusal refusals[] = {
      {"", SecretError::kTooShort},
      {"\n", SecretError::kTooShort},
      {"fifteen letters", SecretError::kTooShort},
      {"fifteen letters\n", SecretError::kTooShort},
      {std::string(kSecretTextBytesMax + 1, 'a'), SecretError::kTooLong},
      {"kadwire:" + std::string(kSecretTextBytesMax, 'a'), SecretError::kTooLong},
      {"sixteen or more \xff", SecretError::kNotUtf8},
      {"sixteen or more \xed\xa0\x80", SecretError::kNotUtf8},
      {"sixteen or more \xc0\x80", SecretError::kNotUtf8},
  };
  for (const Refusal& refusal : refusals) {
    const auto secret = parse_mesh_secret(refusal.text);
    ASSERT_FALSE(secret) << refusal.text;
    EXPECT_EQ(secret.error(), refusal.error) << refusal.text;
  }
}

TEST(MeshSecret, StretchesAPassphraseAsTheReferenceArgon2Does) {
  const auto mesh = testing::load_vectors("key_schedule.json").at("meshes").at(2);
  const std::string passphrase = mesh.at("secret");
  EXPECT_EQ(ikm_of(passphrase), mesh.at("ikm"));
  EXPECT_EQ(ikm_of(passphrase + "\r\n"), mesh.at("ikm"));
  EXPECT_NE(ikm_of(passphrase + " "), mesh.at("ikm")) << "every other byte counts";
}

TEST(MeshSecret, TakesAPassphraseOfExactlyTheFloorAndOfTheCeiling) {
  EXPECT_FALSE(ikm_of("sixteen letters!").empty());
  EXPECT_FALSE(ikm_of(std::string(kSecretTextBytesMax, 'a') + "\n").empty());
}

TEST(MeshSecret, IsGeneratedFromTheGivenRandomnessAndReadsBack) {
  testnet::SeededRandom random(1), again(1), other(2);
  const MeshSecret secret = generate_mesh_secret(random);
  const std::string uri = format_mesh_secret(secret);
  EXPECT_EQ(uri.size(), 56U);
  EXPECT_EQ(ikm_of(uri), to_hex(secret.ikm.view()));
  EXPECT_EQ(uri, format_mesh_secret(generate_mesh_secret(again)));
  EXPECT_NE(uri, format_mesh_secret(generate_mesh_secret(other)));
}

TEST(SecretErrors, EachHaveTheirOwnSentence) {
  std::vector<std::string_view> sentences;
  for (const SecretError error :
       {SecretError::kTooShort, SecretError::kTooLong, SecretError::kNotUtf8,
        SecretError::kUnknownVersion, SecretError::kBadKey, SecretError::kUnknownQuery,
        SecretError::kBadNetwork, SecretError::kNoMemory}) {
    const std::string_view sentence = describe(error);
    EXPECT_TRUE(sentence.ends_with('.')) << sentence;
    EXPECT_EQ(std::ranges::count(sentences, sentence), 0) << sentence;
    sentences.push_back(sentence);
  }
}

}  // namespace
}  // namespace kadwire::crypto
