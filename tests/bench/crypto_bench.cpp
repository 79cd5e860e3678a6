/// What each secret, signature and seal costs; 512 bytes is about a record.

#include <benchmark/benchmark.h>

#include "crypto/key_schedule.h"
#include "crypto/node_identity.h"
#include "crypto/seal.h"
#include "crypto/system_random.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kRecordBytes = 512;
constexpr std::string_view kDomain = "kadwire bench v1";
constexpr Hour kHour = 490'000;

struct StartedCrypto {
  StartedCrypto() { initialise(); }
};

/// What every figure starts from.
struct Bench {
  StartedCrypto started;  ///< first: the secrets below need it
  SystemRandom random;
  NodeIdentity identity = NodeIdentity::generate(random);
  KeySchedule keys{generate_mesh_secret(random)};
  SecretBytes seal_key = keys.record_seal_key(kHour);
  Bytes record = Bytes(kRecordBytes, std::byte{0x5a});
};

void seal_512_bytes(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        seal(bench.seal_key, bench.record, bench.keys.mesh_id(), bench.random));
  }
}
BENCHMARK(seal_512_bytes);

void open_512_bytes(benchmark::State& state) {
  Bench bench;
  const Bytes sealed = seal(bench.seal_key, bench.record, bench.keys.mesh_id(), bench.random);
  for (auto _ : state) {
    benchmark::DoNotOptimize(open(bench.seal_key, sealed, bench.keys.mesh_id()));
  }
}
BENCHMARK(open_512_bytes);

/// What a stranger's value under our topic costs: the tag fails.
void open_foreign_value(benchmark::State& state) {
  Bench bench;
  const Bytes foreign(kRecordBytes + kSealOverheadBytes, std::byte{0x5a});
  for (auto _ : state) {
    benchmark::DoNotOptimize(open(bench.seal_key, foreign, bench.keys.mesh_id()));
  }
}
BENCHMARK(open_foreign_value);

void sign_512_bytes(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bench.identity.sign(kDomain, bench.keys.mesh_id(), bench.record));
  }
}
BENCHMARK(sign_512_bytes);

void verify_512_bytes(benchmark::State& state) {
  Bench bench;
  const Signature signature = bench.identity.sign(kDomain, bench.keys.mesh_id(), bench.record);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        verify(bench.identity.node_id(), kDomain, bench.keys.mesh_id(), bench.record, signature));
  }
}
BENCHMARK(verify_512_bytes);

void derive_topic(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) benchmark::DoNotOptimize(bench.keys.topic(kHour, 0));
}
BENCHMARK(derive_topic);

/// As derive_topic, and the locked memory that a secret key lives in.
void derive_seal_key(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) benchmark::DoNotOptimize(bench.keys.record_seal_key(kHour).view().data());
}
BENCHMARK(derive_seal_key);

void stretch_passphrase(benchmark::State& state) {
  initialise();
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_mesh_secret("correct horse battery staple").has_value());
  }
}
BENCHMARK(stretch_passphrase)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kadwire::crypto
