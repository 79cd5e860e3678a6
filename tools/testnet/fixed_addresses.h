#pragma once

/// OpenDHT orders some things by where they lie in memory. So that a run can be repeated, memory
/// has to lie where it lay: without the kernel's randomisation of addresses.

namespace kadwire::testnet {

/// Executes this program again without address randomisation, unless that is off already. Returns
/// if it is, or if the system does not let us: runs are then repeatable but for rare ties.
void run_with_fixed_addresses(char** argv);

}  // namespace kadwire::testnet
