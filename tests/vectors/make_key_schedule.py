#!/usr/bin/env python3
"""Writes key_schedule.json: the derivation tree of crypto/key_schedule.h and crypto/mesh_address.h,
computed a second time from its description and with nothing but Python's standard library, so that
the two implementations check each other.

The passphrase's input key material is given, not computed, because the standard library has no
Argon2. It is what the reference implementation (github.com/P-H-C/phc-winner-argon2) prints for
    printf %s "$PASSPHRASE" | argon2 kadwire-v1-pass. -id -t 3 -k 65536 -p 1 -l 32 -r

Usage: make_key_schedule.py > key_schedule.json
"""

import base64
import hashlib
import hmac
import ipaddress
import json

HOUR = 490_000
NODE_A = bytes(range(32))
NODE_B = bytes(range(255, 223, -1))
WIREGUARD_A = bytes([0x80]) + bytes(31)  # its first bit is set: order is unsigned
WIREGUARD_B = bytes([0x7F]) + bytes(31)
URI_KEY = bytes(range(100, 132))
PASSPHRASE = "correct horse bättery staple"
PASSPHRASE_IKM = bytes.fromhex("df0e0578abf64d7f380e2db1712f938252956b76df9a49a88ba5c8b78d70cf5b")


def extract(salt, ikm):
    return hmac.new(salt, ikm, hashlib.sha256).digest()


def expand(prk, info, length):
    okm, block, counter = b"", b"", 1
    while len(okm) < length:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        okm += block
        counter += 1
    return okm[:length]


def be64(number):
    return number.to_bytes(8, "big")


def mesh(title, secret, ikm, net=None):
    prk = extract(b"kadwire v1", ikm)

    def key(label, context, length):
        return expand(prk, label.encode() + b"\0" + context, length)

    network = ipaddress.ip_network(net or f"10.{1 + key('mesh ipv4', b'', 1)[0] % 254}.0.0/16")
    prefix = b"\xfd" + key("mesh ipv6", b"", 5) + b"\0\0"

    def lease(node, nonce):
        drawn = int.from_bytes(key("mesh lease", node + bytes([nonce]), 8), "big")
        hosts = 2 ** (32 - network.prefixlen) - 2
        return str(network.network_address + 1 + drawn % hosts)

    def node(node_id):
        return {
            "node_id": node_id.hex(),
            "mailbox": key("dht mailbox", be64(HOUR) + node_id, 20).hex(),
            "mailbox_seal": key("mailbox seal", be64(HOUR) + node_id, 32).hex(),
            "ipv6": str(ipaddress.ip_address(prefix + key("mesh iid", node_id, 8))),
            "leases": [lease(node_id, nonce) for nonce in range(4)],
        }

    lower, higher = sorted([WIREGUARD_A, WIREGUARD_B])
    return {
        "title": title,
        "secret": secret,
        "ikm": ikm.hex(),
        "prk": prk.hex(),
        "mesh_id": key("mesh id", b"", 6).hex(),
        "hour": HOUR,
        "topic_shard_0": key("dht topic", be64(HOUR) + b"\0", 20).hex(),
        "topic_shard_255": key("dht topic", be64(HOUR) + b"\xff", 20).hex(),
        "record_seal": key("record seal", be64(HOUR), 32).hex(),
        "group_seal": key("group seal", be64(HOUR), 32).hex(),
        "frame_tag": key("frame tag", be64(HOUR), 32).hex(),
        "noise_psk": key("noise psk", b"", 32).hex(),
        "wireguard_a": WIREGUARD_A.hex(),
        "wireguard_b": WIREGUARD_B.hex(),
        "wireguard_psk": key("wireguard psk", lower + higher, 32).hex(),
        "ipv4_network": str(network),
        "ipv6_network": str(ipaddress.ip_network((prefix + bytes(8), 64))),
        "nodes": [node(NODE_A), node(NODE_B)],
    }


def uri(key):
    return "kadwire://v1/" + base64.urlsafe_b64encode(key).decode().rstrip("=")


def main():
    meshes = [
        mesh("a secret URI", uri(URI_KEY), URI_KEY),
        mesh("the same with a network of its own", uri(URI_KEY) + "?net=192.168.7.0/28", URI_KEY,
             "192.168.7.0/28"),
        mesh("a passphrase", PASSPHRASE, PASSPHRASE_IKM),
    ]
    print(json.dumps({"source": "make_key_schedule.py", "meshes": meshes}, indent=2,
                     ensure_ascii=False))


if __name__ == "__main__":
    main()
