#!/usr/bin/env python3
"""Writes node_identity.json: keys and signatures of crypto/node_identity.h, computed a second time
from their description with python3-cryptography, so that the two implementations check each other.

Usage: make_node_identity.py > node_identity.json
"""

import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

IDENTITY_SEED = bytes(range(32))
WIREGUARD_SEED = bytes(range(64, 96))
MESH_ID = bytes.fromhex("a1b2c3d4e5f6")
DOMAIN = b"kadwire test v1"
MESSAGE = b"the message"
WIREGUARD_KEY_DOMAIN = b"kadwire wireguard key v1"


def curve25519_private(seed):
    """The scalar of an Ed25519 key (RFC 8032 section 5.1.5), clamped."""
    scalar = bytearray(hashlib.sha512(seed).digest()[:32])
    scalar[0] &= 248
    scalar[31] &= 127
    scalar[31] |= 64
    return bytes(scalar)


def curve25519_public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def main():
    identity = Ed25519PrivateKey.from_private_bytes(IDENTITY_SEED)
    signing = Ed25519PrivateKey.from_private_bytes(WIREGUARD_SEED)
    node_id = identity.public_key().public_bytes_raw()
    private = curve25519_private(WIREGUARD_SEED)
    public = curve25519_public(private)
    vector = {
        "source": "make_node_identity.py",
        "identity_seed": IDENTITY_SEED.hex(),
        "wireguard_seed": WIREGUARD_SEED.hex(),
        "node_id": node_id.hex(),
        "wireguard_signing_key": signing.public_key().public_bytes_raw().hex(),
        "wireguard_private_key": private.hex(),
        "wireguard_key": public.hex(),
        "noise_key": curve25519_public(curve25519_private(IDENTITY_SEED)).hex(),
        "mesh_id": MESH_ID.hex(),
        "domain": DOMAIN.decode(),
        "message": MESSAGE.hex(),
        "signature": identity.sign(DOMAIN + MESH_ID + MESSAGE).hex(),
        "cross_signature": signing.sign(WIREGUARD_KEY_DOMAIN + node_id + MESH_ID).hex(),
    }
    print(json.dumps(vector, indent=2))


if __name__ == "__main__":
    main()
