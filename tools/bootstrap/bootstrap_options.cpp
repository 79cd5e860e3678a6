#include "tools/bootstrap/bootstrap_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "node/adapters/asio_datagram_socket.h"

namespace kadwire::tools {
namespace {

constexpr int kUsageError = 2;
constexpr const char* kSocketName = "stats.sock";

constexpr const char* kDescription =
    "An entry point for meshes: a node of the OpenDHT network and a STUN server in one\n"
    "process. It needs no secret and learns none: what members store here is sealed.";

constexpr const char* kExamples =
    "Examples:\n"
    "  kadwire-bootstrap                        DHT on port 4222, STUN on port 3478, all "
    "addresses\n"
    "  kadwire-bootstrap --no-stun              DHT only\n"
    "  kadwire-bootstrap --listen 192.0.2.1:4222 --listen '[2001:db8::1]:4222'\n"
    "  kadwire-bootstrap --bootstrap bootstrap.jami.net\n"
    "                                           joins the public network instead of standing "
    "alone\n"
    "  kadwire-bootstrap --stats                counters of the running one\n"
    "\n"
    "Members use it with:  kadwire join --bootstrap HOST[:PORT]\n"
    "Firewall: UDP 4222 in and out, UDP 3478 and 3479 for STUN. SIGTERM saves the routing table "
    "and "
    "ends.";

/// What CLI11 collects before it means anything.
struct RawArguments {
  std::vector<std::string> listen;
  std::vector<std::string> stun;
  std::vector<std::string> bootstrap;
  bool no_stun = false;
};

void declare(CLI::App& app, RawArguments& raw, BootstrapOptions& options) {
  app.footer(kExamples);
  app.set_version_flag("--version", "kadwire-bootstrap " KADWIRE_VERSION);
  app.add_option("--listen", raw.listen,
                 "Where the DHT listens; repeatable. Default: port 4222 of all addresses")
      ->type_name("ADDR:PORT")
      ->allow_extra_args(false);
  app.add_option("--stun", raw.stun,
                 "Answer STUN requests here, or serve nothing; repeatable. Default and without a "
                 "value: port "
                 "3478 of the addresses of --listen; by default a taken port is a warning only")
      ->type_name("ADDR:PORT")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--no-stun", raw.no_stun, "Answer no STUN requests")->excludes("--stun");
  app.add_option("--bootstrap", raw.bootstrap,
                 "Other nodes to enter the network through; repeatable. Default: none")
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false);
  app.add_option("--network", options.network, "OpenDHT network id")->capture_default_str();
  app.add_option("--state-dir", options.state_folder, "Keeps the routing table across restarts")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--socket-path", options.socket_path,
                 "Where --stats asks. Default: stats.sock in the state folder")
      ->type_name("PATH");
  auto* stats = app.add_flag("--stats", options.show_stats, "Print the running one's counters");
  app.add_flag("--json", options.json, "With --stats: as JSON")->needs(stats);
}

EarlyExit mistake(const std::string& sentence) {
  return {kUsageError, "kadwire-bootstrap: " + sentence + " See --help."};
}

/// One address per text; empty texts (an option without its optional value) name none.
tl::expected<std::vector<Endpoint>, EarlyExit> parse_addresses(
    const char* option, const std::vector<std::string>& texts) {
  std::vector<Endpoint> addresses;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    const auto address = Endpoint::parse(text);
    if (!address) {
      return tl::unexpected(
          mistake(std::string(option) + " " + text +
                  ": not ADDR:PORT, as in 192.0.2.1:4222 or [2001:db8::1]:4222."));
    }
    addresses.push_back(*address);
  }
  if (addresses.size() > node::kBindAddressesMax) {
    return tl::unexpected(mistake(std::string(option) + " is given too often: at most " +
                                  std::to_string(node::kBindAddressesMax) + " addresses."));
  }
  return addresses;
}

/// Members look for STUN at the addresses that they know of the DHT.
std::vector<Endpoint> addresses_beside(const std::vector<Endpoint>& dht) {
  std::vector<Endpoint> addresses;
  for (const Endpoint& endpoint : dht) {
    const Endpoint beside{endpoint.address, kStunPortDefault};
    if (std::ranges::find(addresses, beside) == addresses.end()) addresses.push_back(beside);
  }
  return addresses;
}

tl::expected<BootstrapOptions, EarlyExit> interpret(const RawArguments& raw, bool stun_given,
                                                    BootstrapOptions options) {
  auto listen = parse_addresses("--listen", raw.listen);
  if (!listen) return tl::unexpected(listen.error());
  options.dht.addresses = std::move(*listen);
  auto stun = parse_addresses("--stun", raw.stun);
  if (!stun) return tl::unexpected(stun.error());
  options.stun.addresses =
      stun->empty() ? addresses_beside(options.dht.addresses) : std::move(*stun);
  if (stun_given) options.serve_stun = BootstrapOptions::Stun::kWanted;
  if (raw.no_stun) options.serve_stun = BootstrapOptions::Stun::kOff;
  for (const std::string& text : raw.bootstrap) {
    const auto host = node::parse_bootstrap_host(text);
    if (!host) return tl::unexpected(mistake("--bootstrap " + text + ": not HOST[:PORT]."));
    options.bootstrap.push_back(*host);
  }
  if (options.socket_path.empty()) options.socket_path = options.state_folder / kSocketName;
  return options;
}

}  // namespace

tl::expected<BootstrapOptions, EarlyExit> parse_arguments(int argc, const char* const* argv) {
  CLI::App app(kDescription, "kadwire-bootstrap");
  RawArguments raw;
  BootstrapOptions options;
  declare(app, raw, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected(EarlyExit{0, app.help()});
  } catch (const CLI::CallForVersion& version) {
    return tl::unexpected(EarlyExit{0, version.what()});
  } catch (const CLI::ExtrasError&) {
    return tl::unexpected(mistake("unknown argument " + app.remaining().front() + "."));
  } catch (const CLI::ParseError& error) {
    return tl::unexpected(mistake(std::string(error.what()) + "."));
  }
  return interpret(raw, app.count("--stun") > 0, std::move(options));
}

}  // namespace kadwire::tools
