#include "tools/lab/mesh.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "node/base/bytes.h"
#include "node/control/rpc_client.h"
#include "rendezvous/stun_message.h"

namespace kadwire::lab {
namespace {

using nlohmann::json;

constexpr const char* kSecretFile = "/run/secret";
constexpr const char* kMemberLog = "kadwire";
constexpr const char* kBootstrapState = "/var/lib/kadwire-bootstrap";
constexpr auto kBootstrapReadyMax = 10s;
constexpr auto kStopPatience = 5s;
constexpr auto kPollStep = 2ms;
/// A busy machine may let a daemon wait; a hanging one should not stop the lab for long.
constexpr auto kRpcPatience = 1s;
/// wireguard-go, in the kernel's words.
constexpr const char* kWireguardProcess = "wireguard-go";

std::vector<std::string> bootstrap_arguments(const Host& member, const Host& bootstrap) {
  std::vector<std::string> arguments;
  const auto add = [&](const IpAddress& address) {
    arguments.insert(arguments.end(),
                     {"--bootstrap", Endpoint{address, kBootstrapPort}.to_string()});
  };
  if (member.has_ipv4()) add(bootstrap.ipv4());
  if (member.has_ipv6()) add(bootstrap.ipv6());
  return arguments;
}

/// Where the bootstrap host answers STUN.
std::vector<Endpoint> stun_endpoints(const Host& bootstrap) {
  std::vector<Endpoint> endpoints;
  for (const IpAddress& address :
       {bootstrap.ipv4(), *IpAddress::parse(kSecondStunAddress), bootstrap.ipv6()}) {
    endpoints.push_back({address, rendezvous::kStunPort});
  }
  return endpoints;
}

std::vector<std::string> stun_arguments(const Host& member, const Host& bootstrap) {
  std::vector<std::string> arguments;
  for (const Endpoint& endpoint : stun_endpoints(bootstrap)) {
    const bool reachable = endpoint.address.is_v4() ? member.has_ipv4() : member.has_ipv6();
    if (reachable) arguments.insert(arguments.end(), {"--stun", endpoint.to_string()});
  }
  return arguments;
}

}  // namespace

Member::Member(Place place, std::vector<std::string> runner, std::vector<std::string> arguments)
    : host_(*place.host),
      gateways_(std::move(place.gateways)),
      runner_(std::move(runner)),
      arguments_(std::move(arguments)) {}

Expected<void> Member::start(const std::vector<std::string>& more) {
  assert(!running());
  std::vector<std::string> argv = runner_;
  argv.insert(argv.end(), {program_folder() / "kadwire", "join", "--secret-file", kSecretFile,
                           "--interface", kMeshInterface});
  for (const auto& arguments : {arguments_, more}) {
    argv.insert(argv.end(), arguments.begin(), arguments.end());
  }
  log_begin_ = read_text(host_.log_path(kMemberLog)).size();
  auto process = host_.spawn(std::move(argv), kMemberLog);
  if (!process) return tl::unexpected(process.error());
  process_ = std::make_unique<Process>(std::move(*process));
  return {};
}

std::string Member::log() const {
  return read_text(host_.log_path(kMemberLog)).substr(log_begin_);
}

void Member::crash() {
  process_.reset();
}

void Member::crash_whole() {
  crash();
  host_.signal_all(kWireguardProcess, SIGKILL);
}

void Member::sleep() {
  process_->signal(SIGSTOP);
  host_.signal_all(kWireguardProcess, SIGSTOP);
}

void Member::wake() {
  host_.signal_all(kWireguardProcess, SIGCONT);
  process_->signal(SIGCONT);
}

int Member::stop() {
  assert(process_);
  return process_->stop(kStopPatience);
}

Expected<json> Member::call(const std::string& method, const json& params) const {
  const auto socket = host_.outside(fmt::format("/run/kadwire/{}.sock", kMeshInterface));
  auto answer = control::call_daemon(socket, method, params, kRpcPatience);
  if (!answer) return lab_error(name() + ": " + answer.error().message);
  return std::move(*answer);
}

std::optional<MeshAddresses> Member::addresses() const {
  const auto status = call("daemon.status");
  if (!status) return std::nullopt;
  MeshAddresses addresses;
  addresses.node = status->value("node", "");
  const auto ipv6 = IpAddress::parse(status->value("ipv6", ""));
  if (!ipv6) return std::nullopt;
  addresses.ipv6 = *ipv6;
  if (status->contains("ipv4") && (*status)["ipv4"].is_string()) {
    addresses.ipv4 = IpAddress::parse((*status)["ipv4"].get<std::string>());
  }
  return addresses;
}

std::string Member::text_of_peer(const std::string& node, const char* field) const {
  const auto answer = call("peers.list");
  if (!answer) return {};
  for (const json& peer : answer->value("peers", json::array())) {
    if (peer.value("node", "") != node) continue;
    const json value = peer.value(field, json());
    return value.is_string() ? value.get<std::string>() : std::string();
  }
  return {};
}

std::string Member::path_to(const std::string& node) const {
  return text_of_peer(node, "path");
}

std::string Member::endpoint_of(const std::string& node) const {
  return text_of_peer(node, "endpoint");
}

bool Member::in_dht() const {
  const auto status = call("daemon.status");
  return status && status->contains("dht") && (*status)["dht"].value("connected", false);
}

std::size_t Member::dht_neighbours() const {
  const auto status = call("daemon.status");
  if (!status || !status->contains("dht")) return 0;
  return (*status)["dht"].value("good_nodes", std::size_t{0});
}

std::size_t Member::pairs_relayed() const {
  const auto status = call("daemon.status");
  const json relay = status ? status->value("relay", json()) : json();
  return relay.is_object() ? relay.value("pairs", std::size_t{0}) : 0;
}

std::size_t Member::peers_active() const {
  const auto count = call("peers.count");
  return count ? count->value("active", std::size_t{0}) : 0;
}

MemberUsage Member::usage() const {
  MemberUsage usage;
  for (const ProcessUsage& process : host_.processes()) {
    if (process.name == "kadwire") usage.daemon = process;
    if (process.name == "wireguard-go") usage.data_plane = process;
  }
  return usage;
}

std::vector<std::string> Member::problems() const {
  const auto status = call("daemon.status");
  return status ? status->value("problems", std::vector<std::string>{})
                : std::vector<std::string>{};
}

Mesh::Mesh(Lab& lab, Host& bootstrap_host)
    : lab_(lab), bootstrap_host_(bootstrap_host), secret_(random_secret()) {}

Expected<std::unique_ptr<Mesh>> Mesh::create(Lab& lab) {
  const auto host = lab.add_host({.name = "bootstrap", .cable = {}});
  if (!host) return tl::unexpected(host.error());
  const auto added = (*host)->run(
      {"ip", "addr", "add", fmt::format("{}/24", kSecondStunAddress), "dev", kHostInterface});
  if (!added) return tl::unexpected(added.error());
  return std::unique_ptr<Mesh>(new Mesh(lab, **host));
}

Expected<void> Mesh::start_bootstrap() {
  std::vector<std::string> argv = {program_folder() / "kadwire-bootstrap", "--state-dir",
                                   kBootstrapState};
  for (const IpAddress& address : {bootstrap_host_.ipv4(), bootstrap_host_.ipv6()}) {
    argv.insert(argv.end(), {"--listen", Endpoint{address, kBootstrapPort}.to_string()});
  }
  for (const Endpoint& endpoint : stun_endpoints(bootstrap_host_)) {
    argv.insert(argv.end(), {"--stun", endpoint.to_string()});
  }
  auto process = bootstrap_host_.spawn(std::move(argv), "kadwire-bootstrap");
  if (!process) return tl::unexpected(process.error());
  bootstrap_ = std::make_unique<Process>(std::move(*process));
  const auto deadline = std::chrono::steady_clock::now() + kBootstrapReadyMax;
  while (!bootstrap_host_.has_udp_port(kBootstrapPort)) {
    if (!bootstrap_->running() || std::chrono::steady_clock::now() > deadline) {
      return lab_error("kadwire-bootstrap does not come up: " + bootstrap_host_.logs());
    }
    std::this_thread::sleep_for(kPollStep);
  }
  return {};
}

void Mesh::stop_bootstrap() {
  bootstrap_.reset();
}

Expected<Member*> Mesh::add_member(MemberOptions options) {
  Surroundings open;  // what a member without surroundings stands in
  open.families = options.host.families;
  const bool bare = options.surroundings == nullptr;
  auto place = build_place(lab_, bare ? open : *options.surroundings, std::move(options.host));
  if (!place) return tl::unexpected(place.error());
  const Host& host = *place->host;
  const std::string& secret = options.secret.empty() ? secret_ : options.secret;
  const auto written = write_text(host.outside(kSecretFile), secret + "\n", 0600);
  if (!written) return tl::unexpected(written.error());
  std::vector<std::string> arguments = bootstrap_arguments(host, bootstrap_host_);
  for (const auto& more : {stun_arguments(host, bootstrap_host_), options.arguments}) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  members_.push_back(
      std::make_unique<Member>(std::move(*place), std::move(options.runner), std::move(arguments)));
  return members_.back().get();
}

std::string random_secret() {
  std::random_device device;
  ByteWriter writer;
  for (int i = 0; i < 8; ++i) writer.be32(device());
  return "kadwire://v1/" + to_base64url(writer.view());
}

}  // namespace kadwire::lab
