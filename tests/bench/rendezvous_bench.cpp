/// What a record costs whoever publishes, carries or receives it.

#include <benchmark/benchmark.h>

#include "crypto/system_random.h"
#include "rendezvous/frame.h"
#include "rendezvous/peer_record.h"
#include "rendezvous/stun_message.h"
#include "rendezvous/stun_responder.h"

namespace kadwire::rendezvous {
namespace {

constexpr crypto::MeshId kMesh{};

crypto::NodeIdentity fresh_identity() {
  crypto::initialise();
  crypto::SystemRandom random;
  return crypto::NodeIdentity::generate(random);
}

/// As a dual-stack host publishes: four candidates and a name.
PeerRecord typical_record() {
  PeerRecord record;
  record.sequence = 1;
  record.lifetime = std::chrono::minutes(10);
  record.ipv4_network = *Prefix::parse("10.42.0.0/16");
  for (const char* endpoint :
       {"[2001:db8::1]:51820", "198.51.100.7:51820", "192.168.1.7:51820", "172.17.0.1:51820"}) {
    record.candidates.push_back({CandidateKind::kHost, *Endpoint::parse(endpoint)});
  }
  record.hostname = "workstation";
  return record;
}

void bench_sign_record(benchmark::State& state) {
  const crypto::NodeIdentity identity = fresh_identity();
  const PeerRecord record = typical_record();
  for (auto _ : state) benchmark::DoNotOptimize(sign_record(record, identity, kMesh));
}
BENCHMARK(bench_sign_record)->Name("sign_record");

void bench_decode_record(benchmark::State& state) {
  const Bytes encoded = sign_record(typical_record(), fresh_identity(), kMesh).encoded;
  for (auto _ : state) {
    if (!decode_record(encoded, kMesh)) state.SkipWithError("refused");
  }
}
BENCHMARK(bench_decode_record)->Name("decode_record");

void bench_open_frame(benchmark::State& state) {
  crypto::initialise();
  const crypto::KeySchedule schedule({crypto::SecretBytes(crypto::kSecretBytes), std::nullopt});
  FrameKeys keys(schedule);
  const Bytes payload(static_cast<std::size_t>(state.range(0)));
  const Bytes frame = encode_frame(FrameType{}, payload, 1, keys);
  for (auto _ : state) {
    if (!open_frame(frame, 1, keys)) state.SkipWithError("refused");
  }
}
BENCHMARK(bench_open_frame)->Name("open_frame")->Arg(100)->Arg(kFramePayloadBytesMax);

void bench_answer_stun(benchmark::State& state) {
  StunResponder responder({.per_source = {1'000'000'000, 1000}, .in_all = {1'000'000'000, 1000}});
  const Bytes request = StunWriter(StunClass::kRequest, kStunBinding, {}).take();
  const Endpoint from = *Endpoint::parse("192.0.2.1:4000");
  TimePoint now{};
  for (auto _ : state) {
    now += 1us;
    if (!responder.handle_datagram(now, from, {}, request)) state.SkipWithError("no answer");
  }
}
BENCHMARK(bench_answer_stun)->Name("answer_stun");

}  // namespace
}  // namespace kadwire::rendezvous
