#include "tools/testnet/fixed_addresses.h"

#include <sys/personality.h>
#include <unistd.h>

namespace kadwire::testnet {

void run_with_fixed_addresses(char** argv) {
  constexpr unsigned long kQuery = 0xffffffff;
  const int current = personality(kQuery);
  if (current < 0 || (current & ADDR_NO_RANDOMIZE) != 0) return;
  const auto wanted = static_cast<unsigned long>(current) | ADDR_NO_RANDOMIZE;
  if (personality(wanted) < 0) return;
  // Some sandboxes accept the wish and do not grant it; then this would go round for ever.
  if ((personality(kQuery) & ADDR_NO_RANDOMIZE) == 0) return;
  execv("/proc/self/exe", argv);
}

}  // namespace kadwire::testnet
