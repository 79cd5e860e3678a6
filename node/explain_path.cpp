#include "node/explain_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "node/path_words.h"

namespace kadwire::node {
namespace {

using rendezvous::MappingBehavior;
using rendezvous::NatBehavior;
using rendezvous::PairEventKind;
using rendezvous::PathCause;

/// A path that was lost so lately is part of the answer.
constexpr std::chrono::minutes kRecent{10};
/// A living node signs its record anew each hour (own_record.h); one older than two such periods is
/// of a node that is down, or does not get its records out.
constexpr std::chrono::hours kRecordOld{2};
/// An answer takes a round trip, through a third member two.
constexpr std::chrono::seconds kAnswerPatience{2};
/// Attempts are never further apart (rendezvous/pair_schedule.h): whoever was not heard for so long
/// has left one unanswered.
constexpr std::chrono::seconds kAskedAtLeastEvery{45};

std::string name_of(const PeerStory& story) {
  return story.peer.hostname.empty() ? story.peer.node.short_form() : story.peer.hostname;
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// "40 s", "5 min", "3 h": for sentences.
std::string ago(Duration age) {
  const auto seconds = std::max<std::int64_t>(0, age / 1s);
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}
std::string ago(const PeerStory& story, WallTime then) {
  return ago(story.now - then);
}

const StoryEvent* last(const PeerStory& story, PairEventKind kind) {
  const auto found = std::find_if(story.events.rbegin(), story.events.rend(),
                                  [&](const StoryEvent& event) { return event.kind == kind; });
  return found == story.events.rend() ? nullptr : &*found;
}

WallTime time_of(const StoryEvent* event) {
  return event != nullptr ? event->at : WallTime{};
}

/// The peer's last word by any way; the epoch: there was none.
WallTime last_heard(const PeerStory& story) {
  return std::max(story.heard.value_or(WallTime{}),
                  time_of(last(story, PairEventKind::kHeardCall)));
}

/// It was asked since, and an answer should have come. When a path is lost, all are asked.
bool is_silent(const PeerStory& story) {
  const WallTime heard = last_heard(story);
  const WallTime asked = std::max(time_of(last(story, PairEventKind::kCalled)),
                                  time_of(last(story, PairEventKind::kPathLost)));
  return asked > heard &&
         (story.now - asked > kAnswerPatience || story.now - heard > kAskedAtLeastEvery);
}

/// The last call was given to members, too, to pass on.
bool is_introduced(const PeerStory& story) {
  const StoryEvent* passed_on = last(story, PairEventKind::kCalledBy);
  return passed_on != nullptr && passed_on->at >= time_of(last(story, PairEventKind::kCalled));
}

bool is_strict(const NatBehavior& nat) {
  return rendezvous::depends_on_destination(nat.mapping);
}

bool is_known(const NatBehavior& nat) {
  return nat.mapping != MappingBehavior::kUnknown;
}

struct Cause {
  Reason reason;
  std::string text;
};

bool is_wish(Reason reason) {
  return reason == Reason::kOperatorHere || reason == Reason::kOperatorThere;
}

/// An operator wants relays alone: that comes before whatever else may stand in the way.
Cause why_relayed_only(const PeerStory& story) {
  const bool here = story.relayed_only_here;
  Cause cause{here ? Reason::kOperatorHere : Reason::kOperatorThere,
              fmt::format("{} operator wants no direct path (--force-relay{}); only members that "
                          "relay are reached straight",
                          here ? "this node's" : "the peer's", here ? "" : " there")};
  if (!story.punches_here || !story.punches_there) {
    cause.text +=
        "; and one side answers nothing beside WireGuard, so that no relay can be agreed on";
  }
  return cause;
}

Cause why_no_direct_path(const PeerStory& story) {
  if (story.relayed_only_here || story.relayed_only_there) return why_relayed_only(story);
  const NatBehavior& here = story.nat_here;
  const NatBehavior there = story.nat_there.value_or(NatBehavior{});
  const bool common_family = story.common_ipv4 || story.common_ipv6;
  if (story.targets == 0 && story.claims > 0 && common_family && !is_known(there)) {
    return {Reason::kNatUnknown,
            "the peer's record names only addresses inside its own network: how it looks from "
            "outside is not known, for want of answers from STUN servers"};
  }
  if (story.targets == 0 && story.claims > 0) {
    return {
        Reason::kNoCommonFamily,
        "nothing that the peer's record names can be reached from here: the two have no address "
        "family or network in common"};
  }
  if (story.claims == 0) {
    return {Reason::kNoAddress,
            "the peer's record names no address: it has no network, or does not know "
            "how it looks from outside"};
  }
  if (!story.punches_here) {
    return {Reason::kNotPunching,
            "this node sends nothing beside WireGuard (--no-punching), so it cannot open a NAT's "
            "way in"};
  }
  if (!story.punches_there) {
    return {Reason::kPeerNotPunching,
            "the peer answers nothing beside WireGuard (--no-punching there), so it can only be "
            "dialled at "
            "the addresses that it names"};
  }
  if (!common_family) {
    return {Reason::kNoCommonFamily, "one side has only IPv4 and the other only IPv6"};
  }
  if (is_strict(here) && is_strict(there)) {
    return {Reason::kBothNatsStrict,
            fmt::format("both NATs give each destination a port of its own (yours {}, theirs {}), "
                        "so neither side can know where to send",
                        strict_ports(here), strict_ports(there))};
  }
  if (is_strict(here)) {
    return {Reason::kOwnNatStrict,
            fmt::format("your NAT gives {} to every destination, and their side admits only what "
                        "comes from ports that it sent to; none was found by chance so far",
                        strict_ports(here))};
  }
  if (is_strict(there)) {
    return {Reason::kPeerNatStrict,
            fmt::format("their NAT gives {} to every destination, and your side admits only what "
                        "comes from ports that it sent to; none was found by chance so far",
                        strict_ports(there))};
  }
  if (!is_known(here) || !is_known(there)) {
    return {Reason::kNatUnknown,
            "packets do not get through straight; what NAT stands before one of the sides is not "
            "known, for want of answers from STUN servers"};
  }
  return {Reason::kBlockedBetween,
          "by what is known of both NATs a direct path should exist, but no packet gets through: a "
          "firewall stands between, or both are behind one NAT that turns no packets round"};
}

// Remedies.

std::string forwarding(bool carrier, std::string_view where, std::string_view join) {
  if (carrier) {
    return fmt::format(
        "{}: ask the provider for a public IPv4 address or IPv6; forwarding a port "
        "does not help behind a carrier's NAT.",
        where);
  }
  return fmt::format(
      "{}: switch on PCP, NAT-PMP or UPnP at the gateway, or forward UDP 51820 to {} "
      "and join with --endpoint OUTER-ADDRESS:51820. One of the two sides suffices.",
      where, join);
}

void add_remedies_for_nats(const PeerStory& story, std::vector<std::string>& remedies) {
  const NatBehavior there = story.nat_there.value_or(NatBehavior{});
  if (is_strict(story.nat_here)) {
    remedies.push_back(forwarding(story.nat_here.carrier_grade, "Here", "this host"));
  }
  if (is_strict(there)) {
    remedies.push_back(forwarding(there.carrier_grade, "At the peer", "it"));
  }
  if (!story.common_ipv6) {
    remedies.emplace_back("Give both sides IPv6: between two such no NAT is in the way.");
  }
}

std::string wish_remedy(Reason reason) {
  return fmt::format("Join without --force-relay {}, if this is not wanted any more.",
                     reason == Reason::kOperatorHere ? "here" : "there");
}

std::vector<std::string> remedies_for(Reason reason, const PeerStory& story) {
  std::vector<std::string> remedies;
  if (is_wish(reason)) return {wish_remedy(reason)};
  if (reason == Reason::kNotPunching) {
    remedies.emplace_back("Run kadwire here without --no-punching.");
  } else if (reason == Reason::kPeerNotPunching) {
    remedies.emplace_back("Run kadwire there without --no-punching.");
  } else if (reason == Reason::kNoAddress) {
    remedies.emplace_back("See `kadwire status` and `kadwire netcheck` at the peer.");
  } else if (reason == Reason::kNoCommonFamily) {
    remedies.emplace_back("Give both sides IPv4, or both IPv6, or have a member with both relay.");
  } else if (reason == Reason::kNatUnknown) {
    remedies.emplace_back("Run `kadwire netcheck` on both sides; name STUN servers with --stun.");
  } else if (reason == Reason::kBlockedBetween) {
    remedies.emplace_back(
        "Let UDP out and its answers in, in the firewalls of both hosts and "
        "networks; `kadwire netcheck` on each side tells more.");
  }
  add_remedies_for_nats(story, remedies);
  return remedies;
}

// Evidence.

void add_nats(const PeerStory& story, std::vector<std::string>& evidence) {
  if (story.punches_here) evidence.push_back("here: " + describe_nat(story.nat_here));
  evidence.push_back(
      "there: " +
      (story.nat_there ? describe_nat(*story.nat_there) : "the peer does not say what NAT it has") +
      (story.public_there ? ", and a public IPv4 address" : ""));
  evidence.emplace_back(story.common_ipv6 ? "both sides have IPv6"
                                          : "at least one side has no public IPv6 address");
}

/// The latest path that was lost, if that explains the present.
void add_recent_loss(const PeerStory& story, std::vector<std::string>& evidence) {
  const StoryEvent* lost = last(story, PairEventKind::kPathLost);
  if (lost == nullptr || story.now - lost->at > kRecent) return;
  evidence.push_back(fmt::format("{} ago {}", ago(story, lost->at), describe(*lost)));
}

void add_handshake(const PeerStory& story, std::vector<std::string>& evidence) {
  if (story.peer.last_handshake) {
    evidence.push_back(fmt::format("WireGuard's last handshake was {} ago",
                                   ago(story, *story.peer.last_handshake)));
  } else {
    evidence.emplace_back("WireGuard has had no handshake with it");
  }
}

// One for each state.

std::string way_text(const PeerStory& story) {
  const auto endpoint = story.peer.endpoint ? story.peer.endpoint : story.chosen;
  std::string text =
      endpoint ? endpoint->to_string() : "an endpoint that WireGuard has not told yet";
  if (story.rtt && story.chosen == endpoint) {
    text += fmt::format(", round trip {:.1f} ms", milliseconds(*story.rtt));
  }
  return text;
}

Explanation explain_direct(const PeerStory& story) {
  Explanation why;
  why.state = fmt::format("{} is reached directly, at {}", name_of(story), way_text(story));
  const StoryEvent* chosen = last(story, PairEventKind::kPathChosen);
  if (story.chosen && story.chosen_relayed) {
    why.reason = Reason::kChosen;
    why.cause = fmt::format("a relay's path is chosen now, at {}, and the tunnel is moving there",
                            story.chosen->to_string());
  } else if (chosen != nullptr) {
    why.reason = Reason::kChosen;
    why.cause = fmt::format("this path was chosen {} ago because {}", ago(story, chosen->at),
                            describe(chosen->cause));
  } else {
    why.reason = Reason::kDialled;
    why.cause = story.punches_here && story.punches_there
                    ? "the tunnel stands from before this run, or the peer came to us by WireGuard"
                    : "it was dialled at an address that its record names: one side sends nothing "
                      "beside WireGuard";
  }
  if (story.relayed_only_here || story.relayed_only_there) {
    why.evidence.emplace_back(
        "an operator wants no direct path (--force-relay); this one stays until a relay works");
  }
  add_recent_loss(story, why.evidence);
  add_handshake(story, why.evidence);
  return why;
}

/// A direct path is chosen, and WireGuard will take it in a moment.
Explanation explain_leaving_relay(const PeerStory& story, Explanation why) {
  why.reason = Reason::kChosen;
  why.cause = fmt::format("a direct path is proven, at {}, and the tunnel is moving there",
                          story.chosen->to_string());
  add_handshake(story, why.evidence);
  return why;
}

Explanation explain_relayed(const PeerStory& story) {
  Explanation why;
  why.state = fmt::format("{} is reached through the relay {}, at {}; the relay cannot read it",
                          name_of(story), story.relay.empty() ? "of a member" : story.relay,
                          way_text(story));
  if (story.chosen && !story.chosen_relayed) return explain_leaving_relay(story, std::move(why));
  const Cause cause = why_no_direct_path(story);
  why.reason = cause.reason;
  why.cause = cause.text;
  add_nats(story, why.evidence);
  add_recent_loss(story, why.evidence);
  const StoryEvent* proven = last(story, PairEventKind::kPathProven);
  if (proven != nullptr && proven->member.empty() && proven->endpoint) {
    why.evidence.push_back(fmt::format("{} ago {}", ago(story, proven->at), describe(*proven)));
  }
  why.remedies = remedies_for(cause.reason, story);
  if (is_wish(cause.reason)) return why;
  why.remedies.emplace_back(
      "Nothing has to be done: attempts at a direct path go on by themselves.");
  return why;
}

/// Nothing of the peer was heard: it may be down, or we are cut off, or nobody passes calls on.
Cause why_unheard(const PeerStory& story) {
  if (story.now - story.issued > kRecordOld) {
    return {Reason::kPeerGone,
            fmt::format("the peer is probably down: it signed its newest record {} ago, "
                        "and a living member does so every hour",
                        ago(story, story.issued))};
  }
  const bool introduced = is_introduced(story);
  const NatBehavior there = story.nat_there.value_or(NatBehavior{});
  if (!introduced && (is_strict(story.nat_here) || is_strict(there))) {
    Cause cause = why_no_direct_path(story);
    cause.text += "; and there is no member that could pass calls on or relay";
    return cause;
  }
  const WallTime heard = last_heard(story);
  return {Reason::kUnanswered,
          fmt::format("{}: the peer is down, UDP is blocked on its side or here, or it {}{}",
                      heard == WallTime{}
                          ? "no call is answered"
                          : fmt::format("nothing was heard of it for {}", ago(story, heard)),
                      heard == WallTime{} ? "does not know of this node yet" : "is cut off",
                      introduced ? " (members pass the calls on)" : "")};
}

Cause why_connecting(const PeerStory& story) {
  const Cause possible = why_no_direct_path(story);
  const bool hopeless =
      possible.reason == Reason::kNoCommonFamily || possible.reason == Reason::kNoAddress ||
      possible.reason == Reason::kNotPunching || possible.reason == Reason::kPeerNotPunching ||
      (is_wish(possible.reason) && !story.punches_there);
  if (story.chosen) {
    return {Reason::kHandshake, "a path is proven and WireGuard's handshake over it is under way"};
  }
  const bool unheard = !story.session || is_silent(story);
  if (unheard) return hopeless ? possible : why_unheard(story);
  Cause cause = possible;
  if (last(story, PairEventKind::kRelayRefused) != nullptr) {
    cause.text += "; and the member that was asked to relay refused";
    cause.reason = Reason::kRelayRefused;
  } else if (last(story, PairEventKind::kNoRelay) != nullptr) {
    cause.text += "; and no member that this node reaches offers to relay";
    cause.reason = Reason::kNoRelay;
  }
  return cause;
}

void add_calls(const PeerStory& story, std::vector<std::string>& evidence) {
  for (const StoryEvent& event : story.events) {
    switch (event.kind) {
      case PairEventKind::kCalled:
      case PairEventKind::kCalledBy:
      case PairEventKind::kHeardCall:
      case PairEventKind::kAnswered:
      case PairEventKind::kRelayAsked:
      case PairEventKind::kRelayRefused:
      case PairEventKind::kNoRelay:
        evidence.push_back(fmt::format("{} ago {}", ago(story, event.at), describe(event)));
        break;
      case PairEventKind::kPathProven:
      case PairEventKind::kPathChosen:
      case PairEventKind::kPathLost:
      case PairEventKind::kRelayGranted:
        break;
    }
  }
}

Explanation explain_unreached(const PeerStory& story) {
  Explanation why;
  why.state =
      story.peer.path == PathKind::kConnecting
          ? fmt::format("{} is not reached; attempts go on", name_of(story))
          : fmt::format("{} is not reached, and there is nowhere to send to", name_of(story));
  const Cause cause = why_connecting(story);
  why.reason = cause.reason;
  why.cause = cause.text;
  why.evidence.push_back(fmt::format(
      "its newest record was signed {} ago and names {} address{}, of which {} can be "
      "sent to from here",
      ago(story, story.issued), story.claims, story.claims == 1 ? "" : "es", story.targets));
  if (story.heard) {
    why.evidence.push_back(fmt::format("it was last heard {} ago", ago(story, *story.heard)));
  }
  add_calls(story, why.evidence);
  add_recent_loss(story, why.evidence);
  add_nats(story, why.evidence);
  add_handshake(story, why.evidence);
  if (cause.reason == Reason::kHandshake) return why;
  why.remedies = remedies_for(cause.reason, story);
  if (cause.reason == Reason::kPeerGone || cause.reason == Reason::kUnanswered) {
    why.remedies.insert(why.remedies.begin(),
                        "See whether kadwire runs there (`kadwire status`) and what its network "
                        "allows (`kadwire netcheck`, on both sides).");
  }
  const bool needs_third = is_strict(story.nat_here) ||
                           is_strict(story.nat_there.value_or(NatBehavior{})) ||
                           cause.reason == Reason::kNoCommonFamily || story.relayed_only_here ||
                           story.relayed_only_there;
  if (needs_third) {
    why.remedies.emplace_back(
        "Have one member with a public address, without --no-relay: it passes "
        "calls on and relays.");
  }
  return why;
}

}  // namespace

std::string_view to_text(Reason reason) {
  switch (reason) {
    case Reason::kChosen:
      return "chosen";
    case Reason::kDialled:
      return "dialled";
    case Reason::kHandshake:
      return "handshake";
    case Reason::kNoAddress:
      return "no-address";
    case Reason::kNoCommonFamily:
      return "no-common-family";
    case Reason::kNotPunching:
      return "not-punching";
    case Reason::kPeerNotPunching:
      return "peer-not-punching";
    case Reason::kOperatorHere:
      return "force-relay";
    case Reason::kOperatorThere:
      return "peer-force-relay";
    case Reason::kBothNatsStrict:
      return "both-nats-strict";
    case Reason::kOwnNatStrict:
      return "own-nat-strict";
    case Reason::kPeerNatStrict:
      return "peer-nat-strict";
    case Reason::kNatUnknown:
      return "nat-unknown";
    case Reason::kBlockedBetween:
      return "blocked-between";
    case Reason::kNoRelay:
      return "no-relay";
    case Reason::kRelayRefused:
      return "relay-refused";
    case Reason::kUnanswered:
      return "unanswered";
    case Reason::kPeerGone:
      return "peer-gone";
  }
  return "";
}

Explanation explain(const PeerStory& story) {
  Explanation why;
  switch (story.peer.path) {
    case PathKind::kDirect:
      why = explain_direct(story);
      break;
    case PathKind::kRelayed:
      why = explain_relayed(story);
      break;
    case PathKind::kConnecting:
    case PathKind::kNone:
      why = explain_unreached(story);
      break;
  }
  for (const std::string& problem : story.problems) {
    why.evidence.push_back("this node has a problem: " + problem);
  }
  return why;
}

}  // namespace kadwire::node
