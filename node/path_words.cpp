#include "node/path_words.h"

#include <fmt/format.h>

namespace kadwire::node {
namespace {

using rendezvous::MappingBehavior;
using rendezvous::NatBehavior;
using rendezvous::PairEventKind;
using rendezvous::PathCause;

std::string to_whom(const StoryEvent& event) {
  if (event.endpoint && !event.member.empty()) {
    return fmt::format("{} through the relay {}", event.endpoint->to_string(), event.member);
  }
  return event.endpoint ? event.endpoint->to_string() : event.member;
}

}  // namespace

std::string_view to_text(PairEventKind kind) {
  switch (kind) {
    case PairEventKind::kCalled:
      return "called";
    case PairEventKind::kCalledBy:
      return "called-through";
    case PairEventKind::kHeardCall:
      return "heard-call";
    case PairEventKind::kAnswered:
      return "answered";
    case PairEventKind::kPathProven:
      return "path-proven";
    case PairEventKind::kPathChosen:
      return "path-chosen";
    case PairEventKind::kPathLost:
      return "path-lost";
    case PairEventKind::kRelayAsked:
      return "relay-asked";
    case PairEventKind::kRelayGranted:
      return "relay-granted";
    case PairEventKind::kRelayRefused:
      return "relay-refused";
    case PairEventKind::kNoRelay:
      return "no-relay";
  }
  return "";
}

std::string_view to_text(PathCause cause) {
  switch (cause) {
    case PathCause::kFirst:
      return "first";
    case PathCause::kDirect:
      return "direct";
    case PathCause::kFaster:
      return "faster";
    case PathCause::kPreferred:
      return "preferred";
    case PathCause::kRoomier:
      return "roomier";
    case PathCause::kPeerChose:
      return "peer-chose";
    case PathCause::kReserve:
      return "reserve";
    case PathCause::kRepeated:
      return "repeated";
    case PathCause::kOperator:
      return "operator";
    case PathCause::kSilent:
      return "silent";
    case PathCause::kPeerLostIt:
      return "peer-lost-it";
    case PathCause::kOwnMove:
      return "own-move";
    case PathCause::kPeerMove:
      return "peer-move";
    case PathCause::kNone:
      break;
  }
  return "";
}

std::string_view describe(PathCause cause) {
  switch (cause) {
    case PathCause::kFirst:
      return "it was the first that answered";
    case PathCause::kDirect:
      return "it leads straight there, and the one before went through a relay";
    case PathCause::kFaster:
      return "its round trip is shorter than the one's before";
    case PathCause::kPreferred:
      return "it is as fast as the one before, and on the same network or IPv6";
    case PathCause::kRoomier:
      return "its relay is less full than the one's before";
    case PathCause::kPeerChose:
      return "the peer chose it, as the one of the two with the lower NodeId does";
    case PathCause::kReserve:
      return "it had been kept in reserve, and the relay before was lost";
    case PathCause::kRepeated:
      return "the one before had been given up";
    case PathCause::kOperator:
      return "an operator wants relays alone (--force-relay), and the one before was direct";
    case PathCause::kSilent:
      return "packets left and nothing came back";
    case PathCause::kPeerLostIt:
      return "the peer says that nothing arrives there";
    case PathCause::kOwnMove:
      return "this host's addresses changed";
    case PathCause::kPeerMove:
      return "the peer's addresses changed";
    case PathCause::kNone:
      break;
  }
  return "the cause is not known";
}

std::string describe(const StoryEvent& event) {
  const std::string times = event.count > 1 ? fmt::format(" ({} times)", event.count) : "";
  switch (event.kind) {
    case PairEventKind::kCalled:
      return "this node called its addresses" + times;
    case PairEventKind::kCalledBy:
      return fmt::format("this node called it through {}{}", event.member, times);
    case PairEventKind::kHeardCall:
      return fmt::format("its call came from {}{}", to_whom(event), times);
    case PairEventKind::kAnswered:
      return fmt::format("it answered a call, from {}{}", to_whom(event), times);
    case PairEventKind::kPathProven:
      return fmt::format("the path {} answered{}", to_whom(event), times);
    case PairEventKind::kPathChosen:
      return fmt::format("the path {} was chosen: {}", to_whom(event), describe(event.cause));
    case PairEventKind::kPathLost:
      return fmt::format("the path {} was lost: {}", to_whom(event), describe(event.cause));
    case PairEventKind::kRelayAsked:
      return fmt::format("{} was asked to relay{}", event.member, times);
    case PairEventKind::kRelayGranted:
      return fmt::format("{} agreed to relay{}", event.member, times);
    case PairEventKind::kRelayRefused:
      return fmt::format("{} refused to relay{}", event.member, times);
    case PairEventKind::kNoRelay:
      return "a relay was wanted and nobody that this node reaches offers to be one" + times;
  }
  return "";
}

std::string describe_nat(const NatBehavior& nat) {
  std::string text;
  switch (nat.mapping) {
    case MappingBehavior::kUnknown:
      return "a NAT of unknown kind, or none";
    case MappingBehavior::kNone:
      text = "no NAT";
      break;
    case MappingBehavior::kEndpointIndependent:
      text = "a NAT with one outer port for all destinations";
      break;
    case MappingBehavior::kAddressDependent:
    case MappingBehavior::kAddressAndPortDependent:
    case MappingBehavior::kEndpointDependent:
      text = fmt::format("a NAT that gives {} to every destination", strict_ports(nat));
      break;
  }
  if (nat.carrier_grade) text += ", with a further NAT beyond it";
  return nat.mapping_certain ? text : text + " (not certain)";
}

std::string_view strict_ports(const NatBehavior& nat) {
  if (nat.port_step) return "the next port in a row";
  return nat.random_ports ? "a new random port" : "another port";
}

}  // namespace kadwire::node
