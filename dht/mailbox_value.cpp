#include "dht/mailbox_value.h"

namespace kadwire::dht {
namespace {

Bytes associated_data(const MailboxAddress& address) {
  return ByteWriter().text("kadwire mailbox v1").be64(address.hour).raw(address.owner.bytes).take();
}

}  // namespace

Bytes seal_mailbox_value(const crypto::KeySchedule& keys, const MailboxAddress& address,
                         ByteView call, RandomSource& random) {
  return crypto::seal_padded(keys.mailbox_seal_key(address.hour, address.owner), call,
                             kSealedValueBytes, associated_data(address), random);
}

std::optional<Bytes> open_mailbox_value(const crypto::SecretBytes& seal_key,
                                        const MailboxAddress& address, ByteView value) {
  return crypto::open_padded(seal_key, value, kSealedValueBytes, associated_data(address));
}

}  // namespace kadwire::dht
