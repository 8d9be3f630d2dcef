#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""forge.py - recordings whose checksums are right and whose contents are not: two readers must judge them alike.

    forge.py TRC-DUMP FILE SCRATCH COUNT [SEED]

Changes a few bytes inside one unit, packs it again and compares read_trc.py with the library: both refuse the
recording, or both give the same rows.  A difference is an error in one of them, or something FORMAT.md leaves open.
"""

import random
import re
import struct
import subprocess
import sys

import read_trc

BLOCK_MAX = 128 * 1024


def frame(raw):
    """A zstd frame of uncompressed blocks, which states its size."""
    out = [b"\x28\xb5\x2f\xfd\xa0", struct.pack("<I", len(raw))]
    for at in range(0, len(raw) or 1, BLOCK_MAX):
        block = raw[at:at + BLOCK_MAX]
        last = at + BLOCK_MAX >= len(raw)
        out += [(len(block) << 3 | last).to_bytes(3, "little"), block]
    return b"".join(out)


def unit_again(data, unit, raw):
    stored = frame(raw)
    header = bytearray(data[unit.start - read_trc.HEADER_SIZE:unit.start])
    struct.pack_into("<II", header, 24, len(raw), len(stored))
    struct.pack_into("<I", header, 64, read_trc.crc32c(stored))
    struct.pack_into("<I", header, 68, read_trc.crc32c(header[:68]))
    return bytes(header) + stored


def change(raw, rng):
    raw = bytearray(raw)
    # the beginning has the structure: of hops, the directory
    near = min(len(raw), rng.choice((16, 600, len(raw))))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(near)
        kind = rng.randrange(5)
        if kind == 0:
            raw[at] = rng.randrange(256)
        elif kind == 1:
            raw[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            raw[at] = (raw[at] + rng.choice((1, 255))) & 255
        elif kind == 3:
            raw.insert(at, rng.choice((0, 1, 0x7F, 0x80, 0xFF)))
        elif len(raw) > near // 2 + 1:
            del raw[at]
            near -= 1
    return bytes(raw)


def python_says(data):
    try:
        said = "".join(read_trc.lines(data))
        return re.sub(r'\\x00[^"]*"', '"', said)	# texts of the library are C strings
    except read_trc.Bad as error:
        return error


def library_says(dump, path):
    done = subprocess.run([dump, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode("latin-1") if done.returncode == 0 else None


def main(dump, path, scratch, count, seed="1"):
    rng = random.Random(int(seed))
    with open(path, "rb") as file:
        data = file.read()
    wanted = [(u, raw) for u, raw in read_trc.unpack(data, list(read_trc.units(data))) if read_trc.known(u)]
    hops = [(u, raw) for u, raw in wanted if u.type == b"HOPS"]	# half of the forgeries: there is most to get wrong
    refused = 0
    for number in range(int(count)):
        unit, raw = rng.choice(rng.choice((wanted, hops)))
        raw = change(raw, rng)
        forged = data[:unit.start - read_trc.HEADER_SIZE] + unit_again(data, unit, raw) + data[unit.end:]
        with open(scratch, "wb") as file:
            file.write(forged)
        ours, theirs = python_says(forged), library_says(dump, scratch)
        if isinstance(ours, read_trc.Bad):
            refused += 1
        if (None if isinstance(ours, read_trc.Bad) else ours) != theirs:
            sys.exit(f"forge.py: {scratch}: number {number}, a unit of type {unit.type.decode()}: "
                     f"read_trc.py {'says: ' + str(ours) if isinstance(ours, read_trc.Bad) else 'reads it'}, "
                     f"the library {'refuses it' if theirs is None else 'reads it'}")
    print(f"{count} forged, {refused} refused by both")
    if not 0 < refused < int(count):
        sys.exit("forge.py: all were judged the same: nothing was compared")


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit("forge.py: usage: forge.py TRC-DUMP FILE SCRATCH COUNT [SEED]")
    main(*sys.argv[1:])
