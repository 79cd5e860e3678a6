#!/usr/bin/env python3
"""Makes record.json, frame.json, sealed_value.json, mailbox_value.json, beacon.json and
stun_sha256.json in this folder: a second
implementation of rendezvous/PROTOCOL.md and of the derivation tree, sharing no code with the first.
Only the Ed25519 and ChaCha20-Poly1305 primitives come from a library (OpenSSL, by Debian's
python3-cryptography); HKDF, HChaCha20 and the Curve25519 form of a key are written out below.
Run it without arguments."""

import hashlib
import hmac
import json
import pathlib
import struct
import zlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = pathlib.Path(__file__).resolve().parent
IKM = bytes(range(32))
IDENTITY_SEED = bytes([0x11] * 32)
WIREGUARD_SEED = bytes([0x22] * 32)
HOUR = 489_900  # in November 2025


def hkdf(label, context, size):
    prk = hmac.new(b"kadwire v1", IKM, hashlib.sha256).digest()
    info, block, out = label.encode() + b"\0" + context, b"", b""
    counter = 1
    while len(out) < size:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        out += block
        counter += 1
    return out[:size]


MESH = hkdf("mesh id", b"", 6)


def public_bytes(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(private, *parts):
    return private.sign(b"".join(parts))


def curve25519_form(edwards):
    """u = (1 + y) / (1 - y) (RFC 7748, section 4.1)."""
    p = 2**255 - 19
    y = int.from_bytes(edwards, "little") & (2**255 - 1)
    return ((1 + y) * pow(1 - y, p - 2, p) % p).to_bytes(32, "little")


IDENTITY = Ed25519PrivateKey.from_private_bytes(IDENTITY_SEED)
WIREGUARD = Ed25519PrivateKey.from_private_bytes(WIREGUARD_SEED)
NODE, SIGNING_KEY = public_bytes(IDENTITY), public_bytes(WIREGUARD)


def field(kind, value):
    return bytes([kind, len(value)]) + value


def candidate(kind, port, address):
    return field(1, struct.pack(">BH", kind, port) + address)


def record(flags, sequence, issued, lifetime, nonce, since, network, length, fields):
    body = bytes([1, flags]) + NODE + SIGNING_KEY
    body += sign(WIREGUARD, b"kadwire wireguard key v1", NODE, MESH)
    body += struct.pack(">QQIBQ", sequence, issued, lifetime, nonce, since)
    body += network + bytes([length]) + b"".join(fields)
    return body + sign(IDENTITY, b"kadwire record v1", MESH, body)


V6 = bytes.fromhex("20010db8000000000000000000000001")
FULL = record(0, 1_763_640_000_123, 1_763_640_000_000, 600, 2, 1_763_000_000_000,
              bytes([10, 42, 0, 0]), 16,
              [candidate(1, 51820, V6), candidate(2, 40001, bytes([192, 0, 2, 1])),
               field(2, "knödel".encode())])
TOMBSTONE = record(1, 1_763_640_000_124, 1_763_640_060_000, 86_400, 0, 0, bytes([10, 42, 0, 0]), 16,
                   [])
EXTENDED = record(0x80, 7, 1_763_640_000_000, 600, 0, 0, bytes([10, 42, 0, 0]), 16,
                  [candidate(1, 51820, V6), field(2, b"a"), field(200, b"later")])


def frame(kind, payload):
    head = bytes([0xC1, kind, HOUR & 0xFF, 0])
    key = hkdf("frame tag", struct.pack(">Q", HOUR), 32)
    return head + hashlib.blake2b(head + payload, digest_size=16, key=key).digest()[:8] + payload


def hchacha20(key, nonce):
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    state += list(struct.unpack("<4I", nonce))

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return struct.pack("<8I", *(state[:4] + state[12:]))


def seal_padded(key, text, associated, nonce):
    plain = struct.pack(">H", len(text)) + text
    plain += bytes(520 - len(plain))
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return nonce + cipher.encrypt(bytes(4) + nonce[16:], plain, associated)


def seal_value(value, shard, nonce):
    key = hkdf("record seal", struct.pack(">Q", HOUR), 32)
    return seal_padded(key, value, b"kadwire value v1" + struct.pack(">QB", HOUR, shard), nonce)


def seal_mailbox_value(call, owner, nonce):
    address = struct.pack(">Q", HOUR) + owner
    return seal_padded(hkdf("mailbox seal", address, 32), call, b"kadwire mailbox v1" + address, nonce)


def beacon(text, nonce):
    hour = struct.pack(">Q", HOUR)
    sealed = seal_padded(hkdf("group seal", hour, 32), text, b"kadwire beacon v1" + hour, nonce)
    return frame(5, sealed)


def stun_request(key, tag_size):
    """USERNAME, MESSAGE-INTEGRITY-SHA256 cut to tag_size, FINGERPRINT (RFC 8489)."""
    def head(length):
        return struct.pack(">HHI", 1, length, 0x2112A442) + bytes(range(12))
    attributes = struct.pack(">HH", 6, 5) + b"alice" + bytes(3)
    covered = head(len(attributes) + 4 + tag_size) + attributes
    tag = hmac.new(key, covered, hashlib.sha256).digest()[:tag_size]
    attributes += struct.pack(">HH", 0x1C, tag_size) + tag
    message = head(len(attributes) + 8) + attributes
    return message + struct.pack(">HHI", 0x8028, 4, zlib.crc32(message) ^ 0x5354554E)


def write(name, content):
    (FOLDER / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


NOTE = "made by rendezvous_vectors.py, independently of the C++"
write("record.json", {
    "note": NOTE, "ikm": IKM.hex(), "mesh_id": MESH.hex(),
    "identity_seed": IDENTITY_SEED.hex(), "wireguard_seed": WIREGUARD_SEED.hex(),
    "node_id": NODE.hex(), "wireguard_signing_key": SIGNING_KEY.hex(),
    "wireguard_key": curve25519_form(SIGNING_KEY).hex(),
    "full": FULL.hex(), "tombstone": TOMBSTONE.hex(), "extended": EXTENDED.hex()})
write("frame.json", {
    "note": NOTE, "ikm": IKM.hex(), "hour": HOUR,
    "frames": [{"type": 1, "payload": "", "frame": frame(1, b"").hex()},
               {"type": 7, "payload": b"kadwire".hex(), "frame": frame(7, b"kadwire").hex()}]})
NONCE = bytes(range(0x40, 0x58))
write("sealed_value.json", {
    "note": NOTE, "ikm": IKM.hex(), "hour": HOUR, "shard": 0, "nonce": NONCE.hex(),
    "record": FULL.hex(), "value": seal_value(FULL, 0, NONCE).hex()})
CALL = bytes(range(200))
write("mailbox_value.json", {
    "note": NOTE, "ikm": IKM.hex(), "hour": HOUR, "owner": NODE.hex(), "nonce": NONCE.hex(),
    "key": hkdf("dht mailbox", struct.pack(">Q", HOUR) + NODE, 20).hex(),
    "call": CALL.hex(), "value": seal_mailbox_value(CALL, NODE, NONCE).hex()})
write("beacon.json", {
    "note": NOTE, "ikm": IKM.hex(), "hour": HOUR, "nonce": NONCE.hex(),
    "record": FULL.hex(), "beacon": beacon(FULL, NONCE).hex()})
write("stun_sha256.json", {
    "note": NOTE, "key": b"password".hex(), "username": "alice",
    "whole": stun_request(b"password", 32).hex(), "cut": stun_request(b"password", 16).hex()})
