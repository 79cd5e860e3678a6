/// What each secret, signature, seal and handshake costs; 512 bytes is about a record, 1200 a
/// frame.

#include <benchmark/benchmark.h>

#include "crypto/key_schedule.h"
#include "crypto/node_identity.h"
#include "crypto/noise_handshake.h"
#include "crypto/seal.h"
#include "crypto/system_random.h"

namespace kadwire::crypto {
namespace {

constexpr std::size_t kRecordBytes = 512;
constexpr std::size_t kFrameBytes = 1200;
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

/// Two members, and their handshake with payloads of a record's size.
struct Members {
  Bench bench;
  NodeIdentity called = NodeIdentity::generate(bench.random);
  NoiseKey called_key = *noise_key(called.node_id());  ///< converting is not part of the figures
  SecretBytes psk = bench.keys.noise_psk();
  Bytes frame = Bytes(kFrameBytes, std::byte{0x5a});

  NoiseInitiator start() {
    return *NoiseInitiator::start({bench.identity.noise_keys(), psk, {}}, called_key, bench.record,
                                  bench.random);
  }
  tl::expected<NoiseResponder, NoiseError> read(ByteView message) {
    return NoiseResponder::read({called.noise_keys(), psk, {}}, message);
  }
  NoiseAnswer answer(ByteView message) {
    return read(message).value().answer(bench.record, bench.random);
  }
};

/// The unit of what a handshake costs: each side has four of these, and draws one key.
void agree_on_a_secret(benchmark::State& state) {
  Members members;
  ByteArray<kNoiseKeyBytes> shared;
  for (auto _ : state) {
    benchmark::DoNotOptimize(members.bench.identity.noise_keys().agree(members.called_key, shared));
  }
}
BENCHMARK(agree_on_a_secret);

/// Both sides' work.
void shake_hands(benchmark::State& state) {
  Members members;
  for (auto _ : state) {
    NoiseInitiator initiator = members.start();
    const NoiseAnswer answer = members.answer(initiator.message());
    benchmark::DoNotOptimize(initiator.read_answer(answer.message).has_value());
  }
}
BENCHMARK(shake_hands);

void start_handshake(benchmark::State& state) {
  Members members;
  for (auto _ : state) benchmark::DoNotOptimize(members.start().message().data());
}
BENCHMARK(start_handshake);

void answer_handshake(benchmark::State& state) {
  Members members;
  const NoiseInitiator initiator = members.start();
  for (auto _ : state) {
    benchmark::DoNotOptimize(members.answer(initiator.message()).message.data());
  }
}
BENCHMARK(answer_handshake);

/// What a call costs the called when a stranger made it up: the static key does not open.
void refuse_forged_call(benchmark::State& state) {
  Members members;
  Bytes message = members.start().message();
  message[kNoiseKeyBytes] ^= std::byte{1};
  for (auto _ : state) benchmark::DoNotOptimize(members.read(message).has_value());
}
BENCHMARK(refuse_forged_call);

void session_seal_1200_bytes(benchmark::State& state) {
  Members members;
  NoiseSession session = members.answer(members.start().message()).session;
  for (auto _ : state) benchmark::DoNotOptimize(session.seal(members.frame).has_value());
  state.SetBytesProcessed(state.iterations() * kFrameBytes);
}
BENCHMARK(session_seal_1200_bytes);

/// Sealing included: no message opens twice.
void session_seal_and_open_1200_bytes(benchmark::State& state) {
  Members members;
  NoiseInitiator initiator = members.start();
  NoiseAnswer answer = members.answer(initiator.message());
  NoiseSession session = initiator.read_answer(answer.message).value().session;
  for (auto _ : state) {
    const Bytes sealed = session.seal(members.frame).value();
    benchmark::DoNotOptimize(answer.session.open(sealed).has_value());
  }
  state.SetBytesProcessed(state.iterations() * kFrameBytes);
}
BENCHMARK(session_seal_and_open_1200_bytes);

}  // namespace
}  // namespace kadwire::crypto
