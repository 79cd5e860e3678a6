#pragma once

/// Which pairs of hosts are certain to get a direct path by hole punching, whatever their luck with
/// ports: the measure that members are held to. Pure.

#include "tools/testnet/internet/internet.h"

namespace kadwire::testnet {

/// True if both map every destination alike, or one does and lets in whatever comes from an address
/// that it sent to, or one has its gateway map its port, or IPv6 works between them. Others may
/// still succeed, by guessing ports.
[[nodiscard]] bool is_certain_to_punch(const Surroundings& a, const Surroundings& b);

}  // namespace kadwire::testnet
