#include "rendezvous/peer_record.h"

#include <gtest/gtest.h>

#include "tests/support/vectors.h"
#include "tools/testnet/seeded_random.h"

namespace kadwire::rendezvous {
namespace {

using kadwire::testing::hex_bytes;
using kadwire::testing::load_vectors;
using kadwire::testnet::SeededRandom;

/// Where the body's parts begin (the layout in peer_record.h).
constexpr std::size_t kCrossSignatureAt = 66;
constexpr std::size_t kLifetimeAt = 146;
constexpr std::size_t kNetworkAt = 159;
constexpr std::size_t kFixedBodyBytes = 164;
constexpr std::size_t kSignatureBytes = 64;

/// Hexadecimal as the cases below write it, with spaces between the parts.
Bytes bytes_of(std::string hex) {
  std::erase(hex, ' ');
  return from_hex(hex).value();
}

NatBehavior nat_of(MappingBehavior mapping) {
  NatBehavior nat;
  nat.mapping = mapping;
  return nat;
}

class PeerRecordTest : public ::testing::Test {
 protected:
  PeerRecordTest() {
    record_.sequence = 42;
    record_.issued = wall_from_unix_milliseconds(1'763'640'000'000);
    record_.lifetime = std::chrono::minutes(10);
    record_.lease_nonce = 3;
    record_.lease_since = wall_from_unix_milliseconds(1'763'000'000'000);
    record_.ipv4_network = *Prefix::parse("10.42.0.0/16");
    record_.candidates = {{CandidateKind::kHost, *Endpoint::parse("[2001:db8::1]:51820")},
                          {CandidateKind::kServerReflexive, *Endpoint::parse("192.0.2.1:40001")}};
    record_.hostname = "knödel";
  }

  Bytes fixed_body() const {
    const SignedRecord whole = sign_record(record_, identity_, mesh_);
    return {whole.encoded.begin(), whole.encoded.begin() + kFixedBodyBytes};
  }

  /// A record whose signature is right, whatever its body says.
  Bytes signed_by_us(Bytes body) const {
    const crypto::Signature signature = identity_.sign(kRecordDomain, mesh_, body);
    body.insert(body.end(), signature.begin(), signature.end());
    return body;
  }

  /// The fixed part, then `fields_hex`, signed.
  Bytes with_fields(const std::string& fields_hex) const {
    Bytes body = fixed_body();
    const Bytes fields = bytes_of(fields_hex);
    body.insert(body.end(), fields.begin(), fields.end());
    return signed_by_us(std::move(body));
  }

  /// The fixed part with `hex` written over it at `offset`, signed.
  Bytes with_patch(std::size_t offset, const std::string& hex) const {
    Bytes body = fixed_body();
    const Bytes patch = bytes_of(hex);
    std::copy(patch.begin(), patch.end(), body.begin() + static_cast<std::ptrdiff_t>(offset));
    return signed_by_us(std::move(body));
  }

  bool accepts(ByteView encoded) const { return decode_record(encoded, mesh_).has_value(); }

  RecordError error_of(ByteView encoded) const {
    const auto decoded = decode_record(encoded, mesh_);
    EXPECT_FALSE(decoded.has_value());
    return decoded ? RecordError{} : decoded.error();
  }

  SeededRandom random_{1};
  crypto::MeshId mesh_{std::byte{1}, std::byte{2}};
  crypto::NodeIdentity identity_ = crypto::NodeIdentity::generate(random_);
  PeerRecord record_;
};

TEST_F(PeerRecordTest, MeansWhatWasSigned) {
  const SignedRecord made = sign_record(record_, identity_, mesh_);
  const auto read = decode_record(made.encoded, mesh_);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->encoded, made.encoded);
  const PeerRecord& record = read->record;
  EXPECT_EQ(record.node, identity_.node_id());
  EXPECT_EQ(record.wireguard_key, identity_.wireguard_key());
  EXPECT_EQ(record.wireguard_signing_key, identity_.wireguard_signing_key());
  EXPECT_EQ(record.sequence, record_.sequence);
  EXPECT_EQ(record.issued, record_.issued);
  EXPECT_EQ(record.expires(), record_.issued + std::chrono::minutes(10));
  EXPECT_FALSE(record.tombstone);
  EXPECT_EQ(record.lease_nonce, record_.lease_nonce);
  EXPECT_EQ(record.lease_since, record_.lease_since);
  EXPECT_EQ(record.ipv4_network, record_.ipv4_network);
  EXPECT_EQ(record.candidates, record_.candidates);
  EXPECT_EQ(record.hostname, record_.hostname);
}

TEST_F(PeerRecordTest, SaysWhatItsNodeDoesForOthersAndWhatStandsBeforeIt) {
  for (const bool frames : {false, true}) {
    for (const bool relays : {false, true}) {
      record_.answers_frames = frames;
      record_.relays = relays;
      record_.relayed_only = frames != relays;
      const auto read = decode_record(sign_record(record_, identity_, mesh_).encoded, mesh_);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->record.answers_frames, frames);
      EXPECT_EQ(read->record.relays, relays);
      EXPECT_EQ(read->record.relayed_only, frames != relays);
      EXPECT_EQ(read->record.nat, std::nullopt);
    }
  }
  record_.nat = nat_of(MappingBehavior::kEndpointDependent);
  record_.nat->port_step = 2;
  const auto read = decode_record(sign_record(record_, identity_, mesh_).encoded, mesh_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->record.nat, record_.nat);
}

TEST_F(PeerRecordTest, RefusesANatBehaviourThatCannotBe) {
  record_.nat = nat_of(MappingBehavior::kEndpointIndependent);
  const SignedRecord good = sign_record(record_, identity_, mesh_);
  Bytes body(good.encoded.begin(), good.encoded.end() - 64);
  body[body.size() - kNatBehaviorBytes] = std::byte{0x77};  // no such mapping
  const auto signature = identity_.sign(kRecordDomain, mesh_, body);
  body.insert(body.end(), signature.begin(), signature.end());
  EXPECT_FALSE(decode_record(body, mesh_));
}

TEST_F(PeerRecordTest, FitsASealedValueAtItsLargest) {
  record_.nat = nat_of(MappingBehavior::kEndpointIndependent);
  record_.candidates.assign(kCandidatesMax + 5,
                            {CandidateKind::kStatic, *Endpoint::parse("[2001:db8::1]:51820")});
  record_.hostname = std::string(300, 'h');
  const SignedRecord made = sign_record(record_, identity_, mesh_);
  EXPECT_LE(made.encoded.size(), kRecordBytesMax);
  const auto read = decode_record(made.encoded, mesh_);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->record.candidates.size(), kCandidatesMax);
  EXPECT_EQ(read->record.hostname, std::string(kHostnameBytesMax, 'h'));
}

TEST_F(PeerRecordTest, CutsAHostnameBetweenCharactersAndBeforeControlCharacters) {
  record_.hostname = std::string(62, 'h') + "ö";
  EXPECT_EQ(sign_record(record_, identity_, mesh_).record.hostname, std::string(62, 'h'));
  record_.hostname = "name\x1b[31m";
  EXPECT_EQ(sign_record(record_, identity_, mesh_).record.hostname, "name");
}

TEST_F(PeerRecordTest, RefusesAChangeOfAnyByte) {
  const Bytes encoded = sign_record(record_, identity_, mesh_).encoded;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    Bytes changed = encoded;
    changed[i] ^= std::byte{0x10};
    EXPECT_FALSE(accepts(changed)) << "byte " << i;
  }
}

TEST_F(PeerRecordTest, RefusesEveryCutAndAnythingBehind) {
  Bytes encoded = sign_record(record_, identity_, mesh_).encoded;
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(accepts(ByteView(encoded).first(size))) << size;
  }
  encoded.push_back(std::byte{0});
  EXPECT_FALSE(accepts(encoded));
  EXPECT_EQ(error_of(Bytes(kRecordBytesMax + 1, std::byte{1})), RecordError::kMalformed);
}

TEST_F(PeerRecordTest, BelongsToOneMesh) {
  const Bytes encoded = sign_record(record_, identity_, mesh_).encoded;
  mesh_[0] = std::byte{9};
  EXPECT_EQ(error_of(encoded), RecordError::kBadSignature);
}

TEST_F(PeerRecordTest, CannotBeSignedByAnotherNode) {
  const auto other = crypto::NodeIdentity::generate(random_);
  Bytes body = fixed_body();
  const crypto::Signature foreign = other.sign(kRecordDomain, mesh_, body);
  body.insert(body.end(), foreign.begin(), foreign.end());
  EXPECT_EQ(error_of(body), RecordError::kBadSignature);
}

TEST_F(PeerRecordTest, CannotClaimAnotherNodesWireguardKey) {
  const auto victim = crypto::NodeIdentity::generate(random_);
  const Bytes theirs = sign_record(record_, victim, mesh_).encoded;
  const ByteView keys = ByteView(theirs).subspan(kCrossSignatureAt - 32, 32 + kSignatureBytes);
  EXPECT_EQ(error_of(with_patch(kCrossSignatureAt - 32, to_hex(keys))),
            RecordError::kBadCrossSignature);
}

TEST_F(PeerRecordTest, IsOfVersionOneOrUnknown) {
  EXPECT_EQ(error_of(with_patch(0, "02")), RecordError::kUnknownVersion);
  EXPECT_EQ(error_of(with_patch(0, "00")), RecordError::kUnknownVersion);
}

TEST_F(PeerRecordTest, BoundsTheLifetimeToADay) {
  EXPECT_TRUE(accepts(with_patch(kLifetimeAt, "00015180")));
  EXPECT_EQ(error_of(with_patch(kLifetimeAt, "00015181")), RecordError::kMalformed);
  EXPECT_EQ(error_of(with_patch(kLifetimeAt, "ffffffff")), RecordError::kMalformed);
}

TEST_F(PeerRecordTest, BoundsTheNetworkAndRefusesHostBits) {
  EXPECT_TRUE(accepts(with_patch(kNetworkAt, "0a00000008")));
  EXPECT_TRUE(accepts(with_patch(kNetworkAt, "0a0000041e")));
  for (const char* bad : {"0a00000007", "0a0000041f", "0a00000020", "0a000000ff", "0a00000100",
                          "0a2a000110", "0000000000"}) {
    EXPECT_EQ(error_of(with_patch(kNetworkAt, bad)), RecordError::kMalformed) << bad;
  }
}

TEST_F(PeerRecordTest, KeepsAFarFutureFromOverflowing) {
  const auto read = decode_record(with_patch(138, "ffffffffffffffff"), mesh_);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(freshness(read->record, record_.issued), Freshness::kFromTheFuture);
  EXPECT_GT(read->record.expires(), read->record.issued);
}

struct FieldCase {
  const char* name;
  const char* fields;
};

std::string name_of_case(const ::testing::TestParamInfo<FieldCase>& field_case) {
  return field_case.param.name;
}

class GoodFields : public PeerRecordTest, public ::testing::WithParamInterface<FieldCase> {};
TEST_P(GoodFields, AreAccepted) {
  EXPECT_TRUE(accepts(with_fields(GetParam().fields)));
}
INSTANTIATE_TEST_SUITE_P(
    PeerRecord, GoodFields,
    ::testing::Values(FieldCase{"None", ""}, FieldCase{"Ipv4", "0107 01 ca6c c0000201"},
                      FieldCase{"Ipv6", "0113 06 ca6c 20010db8000000000000000000000001"},
                      FieldCase{"TwoCandidates", "0107 01 ca6c c0000201 0107 02 ca6c c0000202"},
                      FieldCase{"ThreeByteCharacter", "0203 e282ac"},
                      FieldCase{"FourByteCharacter", "0204 f09f90b1"},
                      FieldCase{"Nat", "0304 02 10 0000"}, FieldCase{"Unknown", "c803 010203"},
                      FieldCase{"UnknownBetween",
                                "0007 01020304050607 0107 01 ca6c c0000201 0201 61 0400"}),
    name_of_case);

class BadFields : public PeerRecordTest, public ::testing::WithParamInterface<FieldCase> {};
TEST_P(BadFields, AreRefused) {
  EXPECT_EQ(error_of(with_fields(GetParam().fields)), RecordError::kMalformed);
}
INSTANTIATE_TEST_SUITE_P(
    PeerRecord, BadFields,
    ::testing::Values(
        FieldCase{"TypeAlone", "01"}, FieldCase{"LengthBeyondTheEnd", "0108 01 ca6c c0000201"},
        FieldCase{"KindZero", "0107 00 ca6c c0000201"},
        FieldCase{"KindUnknown", "0107 07 ca6c c0000201"},
        FieldCase{"PortZero", "0107 01 0000 c0000201"},
        FieldCase{"AddressOfFive", "0108 01 ca6c c000020100"},
        FieldCase{"NoAddress", "0103 01 ca6c"}, FieldCase{"EmptyCandidate", "0100"},
        FieldCase{"Ipv4InIpv6", "0113 01 ca6c 00000000000000000000ffffc0000201"},
        FieldCase{"NatTwice", "0304 02 10 0000 0304 02 10 0000"},
        FieldCase{"NatTooShort", "0303 02 10 00"},
        FieldCase{"NatUnknownMapping", "0304 66 10 0000"},
        FieldCase{"NineCandidates",
                  "010701ca6cc0000201 010701ca6cc0000202 010701ca6cc0000203 010701ca6cc0000204"
                  "010701ca6cc0000205 010701ca6cc0000206 010701ca6cc0000207 010701ca6cc0000208"
                  "010701ca6cc0000209"},
        FieldCase{"Descending", "0201 61 0107 01 ca6c c0000201"},
        FieldCase{"TwoHostnames", "0201 61 0201 62"}, FieldCase{"UnknownTwice", "c800 c800"},
        FieldCase{"EmptyHostname", "0200"},
        FieldCase{"LongHostname",
                  "0240 6161616161616161616161616161616161616161616161616161616161616161"
                  "6161616161616161616161616161616161616161616161616161616161616161"},
        FieldCase{"ControlCharacter", "0201 1b"}, FieldCase{"NulCharacter", "0202 6100"},
        FieldCase{"Delete", "0201 7f"}, FieldCase{"HighControl", "0202 c285"},
        FieldCase{"StrayContinuation", "0201 80"}, FieldCase{"CutCharacter", "0202 e282"},
        FieldCase{"Overlong", "0202 c0af"}, FieldCase{"OverlongThree", "0203 e080af"},
        FieldCase{"Surrogate", "0203 eda080"}, FieldCase{"BeyondUnicode", "0204 f4908080"}),
    name_of_case);

TEST_F(PeerRecordTest, IsFreshFromTenMinutesAheadUntilItExpires) {
  const WallTime issued = record_.issued;
  EXPECT_EQ(freshness(record_, issued - 10min - 1ms), Freshness::kFromTheFuture);
  EXPECT_EQ(freshness(record_, issued - 10min), Freshness::kFresh);
  EXPECT_EQ(freshness(record_, issued + 10min - 1ms), Freshness::kFresh);
  EXPECT_EQ(freshness(record_, issued + 10min), Freshness::kExpired);
}

TEST(NextSequence, GrowsWhateverTheClockDoes) {
  const WallTime now = wall_from_unix_milliseconds(1000);
  EXPECT_EQ(next_sequence(0, now), 1000U);
  EXPECT_EQ(next_sequence(1000, now), 1001U);
  EXPECT_EQ(next_sequence(5000, now), 5001U);
}

class RecordVectors : public ::testing::Test {
 protected:
  Bytes field(const char* name) const { return hex_bytes(vectors_[name]); }
  SignedRecord decoded(const char* name) const {
    auto read = decode_record(field(name), mesh_);
    EXPECT_TRUE(read.has_value()) << name;
    return read ? std::move(*read) : SignedRecord{};
  }
  nlohmann::json vectors_ = load_vectors("record.json");
  crypto::MeshId mesh_ = *to_array<6>(field("mesh_id"));
  crypto::NodeIdentity identity_ =
      *crypto::NodeIdentity::from_seeds(field("identity_seed"), field("wireguard_seed"));
};

TEST_F(RecordVectors, AgreeOnTheKeys) {
  EXPECT_EQ(identity_.node_id().to_hex(), vectors_["node_id"]);
  EXPECT_EQ(to_hex(identity_.wireguard_signing_key().bytes), vectors_["wireguard_signing_key"]);
  EXPECT_EQ(to_hex(identity_.wireguard_key().bytes), vectors_["wireguard_key"]);
}

TEST_F(RecordVectors, AgreeOnAFullRecordByteForByte) {
  const SignedRecord full = decoded("full");
  EXPECT_EQ(full.record.sequence, 1'763'640'000'123U);
  EXPECT_EQ(full.record.hostname, "knödel");
  ASSERT_EQ(full.record.candidates.size(), 2U);
  EXPECT_EQ(full.record.candidates[1].endpoint.to_string(), "192.0.2.1:40001");
  EXPECT_EQ(sign_record(full.record, identity_, mesh_).encoded, full.encoded);
}

TEST_F(RecordVectors, AgreeOnATombstone) {
  const SignedRecord tombstone = decoded("tombstone");
  EXPECT_TRUE(tombstone.record.tombstone);
  EXPECT_EQ(sign_record(tombstone.record, identity_, mesh_).encoded, tombstone.encoded);
}

TEST_F(RecordVectors, KeepWhatALaterVersionAdds) {
  const SignedRecord extended = decoded("extended");
  EXPECT_FALSE(extended.record.tombstone);
  EXPECT_EQ(extended.record.hostname, "a");
  EXPECT_EQ(extended.encoded, field("extended"));
}

}  // namespace
}  // namespace kadwire::rendezvous
