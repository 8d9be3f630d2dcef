#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""read_trc.py - a reader of recordings that shares nothing with libpkttrace.

    read_trc.py FILE              every row as a line of text, in file order
    read_trc.py --index FILE      compare the index with the units that it lists, and count them

Written from trace/FORMAT.md alone, with the standard library and the `zstd` command: what it cannot read, the page
does not tell.  trc-dump prints the same lines through the library; tests/stages.sh compares them.  A recording that
is not whole is refused with status 2, for this reader repairs nothing.
"""

import struct
import subprocess
import sys

MIB = 1 << 20
PREAMBLE_SIZE, HEADER_SIZE = 48, 72
UNIT_HOPS_MAX = 16384


class Bad(Exception):
    """The recording is not what FORMAT.md says."""


def need(condition, what):
    if not condition:
        raise Bad(what)


# --- CRC32C ---------------------------------------------------------------------------------------------------------

def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, CRC_TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# --- units ----------------------------------------------------------------------------------------------------------

class Unit:
    """A header; the frame behind it is data[start:end]."""

    def __init__(self, data, at):
        need(len(data) - at >= HEADER_SIZE, f"cut short at byte {at}")
        header = data[at:at + HEADER_SIZE]
        (frame_magic, frame_size, magic, self.type, self.version, self.flags, self.rows, self.raw_size, stored,
         self.sequence, self.tag, self.first_ns, self.last_ns, self.lost, crc_frame,
         crc_header) = struct.unpack("<4sI4s4sHHIIIIIQQQII", header)
        need((frame_magic, frame_size, magic) == (b"\x5b\x2a\x4d\x18", 64, b"\xb5nit"), f"no unit at byte {at}")
        need(crc32c(header[:68]) == crc_header, f"header of the unit at byte {at} has a wrong checksum")
        need(self.raw_size <= 16 * MIB and stored <= 16 * MIB + 128 * 1024, "a size beyond the limits")
        need(self.rows >= 1, "a unit without rows")
        self.at, self.start, self.end = at, at + HEADER_SIZE, at + HEADER_SIZE + stored
        need(self.end <= len(data), f"cut short inside the unit at byte {at}")
        need(crc32c(data[self.start:self.end]) == crc_frame, f"frame of the unit at byte {at} has a wrong checksum")
        need(frame_content_size(data[self.start:self.end]) == self.raw_size, "the frame states another size")


def frame_content_size(frame):
    """What a zstd frame states of itself, from its header: the format wants it there, and no dictionary."""
    need(frame[:4] == b"\x28\xb5\x2f\xfd", "not a zstd frame")
    descriptor = frame[4]
    single, size_code, dictionary = descriptor >> 5 & 1, descriptor >> 6, descriptor & 3
    need(dictionary == 0, "a frame with a dictionary")
    at = 5 + (0 if single else 1)
    width = (single, 2, 4, 8)[size_code]
    need(width > 0, "a frame that does not state its size")
    return int.from_bytes(frame[at:at + width], "little") + (256 if width == 2 else 0)


def units(data):
    need(len(data) >= PREAMBLE_SIZE and data[:16] == b"\x5a\x2a\x4d\x18\x28\0\0\0\x8bTRC\r\n\x1a\n", "no recording")
    version, incompatible, _compatible = struct.unpack_from("<III", data, 16)
    need(crc32c(data[:44]) == struct.unpack_from("<I", data, 44)[0], "the preamble has a wrong checksum")
    need(version == 1 and incompatible == 0, "of a newer version")
    tag, at, sequence = crc32c(data[28:44]), PREAMBLE_SIZE, 0
    while at < len(data):
        unit = Unit(data, at)
        need(unit.tag == tag, f"unit {sequence} is of another recording")
        need(unit.sequence == sequence, f"unit {sequence} has number {unit.sequence}")
        sequence, at = sequence + 1, unit.end
        yield unit


def known(unit):
    if unit.type in PARSERS and unit.version == 1 and unit.flags == 0:
        return True
    need(unit.type[0:1].islower(), f"units of type {unit.type!r}, version {unit.version}, are not known here")
    return False


def unpack(data, wanted):
    """All frames in one run of zstd: one after the other they are legal input, too."""
    frames = b"".join(data[u.start:u.end] for u in wanted)
    if not frames:
        return
    raw = subprocess.run(["zstd", "-dcq"], input=frames, stdout=subprocess.PIPE, check=True).stdout
    need(len(raw) == sum(u.raw_size for u in wanted), "the frames hold another number of bytes")
    at = 0
    for unit in wanted:
        yield unit, raw[at:at + unit.raw_size]
        at += unit.raw_size


# --- fields ---------------------------------------------------------------------------------------------------------

class Cursor:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def left(self):
        return self.end - self.at

    def take(self, size):
        need(size <= self.left(), "a field reaches beyond its end")
        self.at += size
        return self.data[self.at - size:self.at]

    def varint(self, most=(1 << 64) - 1):
        value = shift = 0
        while True:
            need(self.at < self.end and shift < 70, "a varint without end")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        need(value <= most, "a number beyond its limit")
        return value

    # fields of a row: one that the row does not have is 0 or empty
    def u64(self):
        return self.varint() if self.left() else 0

    def u32(self):
        return self.varint((1 << 32) - 1) if self.left() else 0

    def signed(self):
        return unzigzag(self.u64())

    def text(self):
        return self.take(self.varint(65535)) if self.left() else b""


def unzigzag(z):
    return (z >> 1) ^ -(z & 1)


class Hex(bytes):
    """Bytes that are no text."""


def show(value):
    """Text as a word: whatever is not a plain character in hex."""
    if isinstance(value, Hex):
        return value.hex()
    if not isinstance(value, bytes):
        return str(value)
    return '"' + "".join(chr(b) if 0x20 < b < 0x7F and b not in b'"\\' else f"\\x{b:02x}" for b in value) + '"'


FIELDS = {
    b"fact": ("text", "text"),
    b"enum": ("text", "text", "signed"),
    b"FUNC": ("u32", "text", "text", "signed", "u32", "u32", "u32", "text"),
    b"nets": ("u32", "text"),
    b"link": ("u32", "u32", "text", "text", "text", "u32", "u32", "u32", "u32"),
    b"proc": ("u32", "text", "text"),
    b"LOSS": ("u32", "u64", "u64", "u64", "u64", "u64"),
    b"DONE": ("text", "u64", "u64", "u64"),
    b"snap": ("u32", "u32", "text", "text", "text", "u32", "u32", "text"),
}


def row_simple(unit, row):
    fields = [getattr(row, kind)() for kind in FIELDS[unit.type]]
    if unit.type == b"snap":
        need(fields[0] <= 1 and fields[6] <= 1, "a snapshot of neither beginning nor end, or neither last nor not")
    return fields


def row_stack(unit, row):
    of = row.u64() if unit.type == b"stac" else row.u32()
    count = row.u64()
    need(of != 0, "a stack without packet, or without number")
    need(count <= 128, "a stack of more than 128 functions")
    return [of, count] + [row.varint((1 << 32) - 1) for _ in range(count)]


def time_need(unit, time):
    need(unit.first_ns <= time <= unit.last_ns, "a time outside of its header's")


def row_edge(unit, row):
    time, child, parent = row.u64(), row.u64(), row.u64()
    need(child != 0 and parent != 0 and child != parent, "an edge between no two packets")
    time_need(unit, time)
    return [time, child, parent, row.u32(), row.u32()]


def row_data(unit, row):
    packet, time, layer, length = row.u64(), row.u64(), row.u32(), row.u32()
    data = row.text()
    need(packet != 0 and layer in (2, 3), "bytes of no packet or of no layer")
    need(len(data) <= length, "more bytes than the packet has")
    time_need(unit, time)
    return [packet, time, layer, length, Hex(data)]


ROWS = {b"stac": row_stack, b"frms": row_stack, b"edge": row_edge, b"data": row_data}


def rows(unit, raw):
    cursor = Cursor(raw)
    parse = ROWS.get(unit.type, row_simple)
    for _ in range(unit.rows):
        size = cursor.varint()
        need(size <= cursor.left(), "a row reaches beyond its unit")
        row = Cursor(raw, cursor.at, cursor.at + size)
        yield parse(unit, row)
        cursor.at += size
    need(cursor.left() == 0, "bytes behind the last row")


# --- hops -----------------------------------------------------------------------------------------------------------

COLUMNS = """time_ns:8 func:4 packet:8 kind:1 value:0x14 have:1 len_bytes:4 context:1 pid:4 ifindex:4 netns:4 hook:1
family:1 seq:0x28 paged_bytes:4 mark:4 tcp_seq:4 ethertype:2 sport:2 dport:2 ip_id:2 frag:2 gso_size:2 gso_segs:2
l4proto:1 ttl:1 tcp_flags:1 saddr0:4 saddr1:4 saddr2:4 saddr3:4 daddr0:4 daddr1:4 daddr2:4 daddr3:4
stack:4""".split()
KINDS = [None] + [int(c.split(":")[1], 0) for c in COLUMNS]	# by id, which counts from 1
TIME, PACKET, KIND, CONTEXT, COUNTER = 1, 3, 4, 8, 0x28


class Column:
    def __init__(self, cursor):
        self.id, self.kind = cursor.varint(), cursor.varint()
        self.name = cursor.take(cursor.varint(64))
        self.length = cursor.varint()
        self.known = 0 < self.id < len(KINDS)
        need(not self.known or self.kind == KINDS[self.id], "a column of another kind")

    def stream_take(self, cursor):
        self.stream = Cursor(cursor.data, cursor.at, cursor.at + self.length)
        cursor.take(self.length)

    def change(self, row):
        value = (row[self.id] + unzigzag(self.stream.varint())) & ((1 << 64) - 1)
        if self.kind == 0x14:	# signed: as 64 bits it must be the same number
            value -= (value >> 63) << 64
            need(-(1 << 31) <= value < 1 << 31, "a number beyond its column")
        else:
            need(value < 1 << 8 * (self.kind & 0x0F), "a number beyond its column")
        row[self.id] = value


def hops(unit, raw):
    need(unit.rows <= UNIT_HOPS_MAX, "too many hops in a unit")
    cursor = Cursor(raw)
    runs = [(cursor.varint(65535), cursor.varint()) for _ in range(cursor.varint())]
    need(all(a[0] < b[0] for a, b in zip(runs, runs[1:])), "CPUs do not ascend")
    need(all(n >= 1 for _, n in runs) and sum(n for _, n in runs) == unit.rows, "the runs have other rows")
    columns = [Column(cursor) for _ in range(cursor.varint(64))]
    ids = [c.id for c in columns if c.known]
    need(len(ids) == len(set(ids)), "a column is listed twice")
    masks_length = cursor.varint()
    masks = Cursor(raw, cursor.at, cursor.at + masks_length)
    cursor.take(masks_length)
    for column in columns:
        column.stream_take(cursor)
    need(cursor.left() == 0, "bytes behind the last stream")
    for cpu, count in runs:
        row = [0] * len(KINDS)
        for _ in range(count):
            yield [cpu] + hop_next(unit, row, columns, masks)
    need(masks.left() == 0 and not any(c.known and c.stream.left() for c in columns), "a stream is not used up")


def hop_next(unit, row, columns, masks):
    for column in columns:
        if column.kind == COUNTER and column.known:
            row[column.id] += 1
    mask, bit = masks.varint(), 0
    need(mask >> len(columns) == 0, "a mask with bits of no column")
    while mask:
        if mask & 1 and columns[bit].known:
            columns[bit].change(row)
        mask, bit = mask >> 1, bit + 1
    need(row[PACKET] != 0 and row[KIND] <= 2, "a hop without packet, or of unknown kind")
    need(unit.first_ns <= row[TIME] <= unit.last_ns, "a time outside of its unit's")
    hop = row[1:]
    hop[CONTEXT - 1] = min(hop[CONTEXT - 1], 4)
    return hop


PARSERS = {b"HOPS": hops, **{kind: rows for kind in (*ROWS, *FIELDS)}}


# --- the index ------------------------------------------------------------------------------------------------------

def bits(data):
    return {n for n in range(8 * len(data)) if data[n // 8] >> n % 8 & 1}


def entry_check(row, unit, cpus, functions):
    """What an entry says of a unit, against its header and its hops."""
    said = [row.take(4)] + [row.u64() for _ in range(5)]
    real = [unit.type, unit.end - unit.start, unit.rows, unit.first_ns, unit.last_ns - unit.first_ns, unit.lost]
    need(said == real, f"the index says {said} of the unit at byte {unit.at}, which is {real}")
    need(bits(row.text()) == cpus, f"the index lists other CPUs than the unit at byte {unit.at} has")
    need(bits(row.text()) == {f % 1024 for f in functions}, f"the index lists other functions, byte {unit.at}")


def index_check(data):
    """The chain from the front: each index unit goes on where the one before began, and lists all up to itself."""
    every = list(units(data))
    raws = dict(unpack(data, [u for u in every if u.type in (b"HOPS", b"indx")]))
    previous, listed, indexes = 0, 0, 0
    for unit in every:
        if unit.type != b"indx":
            continue
        cursor = Cursor(raws[unit])
        before, offset, sequence = cursor.varint(), cursor.varint(), cursor.varint()
        need((before, offset) == (previous, previous or PREAMBLE_SIZE), "the chain of index units has a hole")
        need(sequence == listed and every[listed].at == offset, "an index unit begins elsewhere")
        need(unit.rows == unit.sequence - sequence, "an index unit does not list all units up to itself")
        for _ in range(unit.rows):
            of = every[listed]
            seen = list(hops(of, raws[of])) if of.type == b"HOPS" else []
            entry_check(Cursor(cursor.take(cursor.varint())), of, {h[0] for h in seen}, {h[2] for h in seen})
            listed += 1
        need(cursor.left() == 0, "bytes behind the last entry")
        previous, indexes = unit.at, indexes + 1
    need(indexes, "no index")
    need(every[-1].type == b"indx" and len(data) - every[-1].at <= 96 * 1024, "the index is not the end of the file")
    print(f"{indexes} index units list {listed} units")


def lines(data):
    wanted = [u for u in units(data) if known(u)]
    for unit, raw in unpack(data, wanted):
        name = unit.type.decode()
        for row in PARSERS[unit.type](unit, raw):
            yield name + " " + " ".join(map(show, row)) + "\n"


def main(path, index):
    with open(path, "rb") as file:
        data = file.read()
    if index:
        index_check(data)
    else:
        sys.stdout.writelines(lines(data))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and sys.argv[1] != "--index"):
        sys.exit("read_trc.py: usage: read_trc.py [--index] FILE")
    try:
        main(sys.argv[-1], len(sys.argv) == 3)
    except (Bad, OSError, subprocess.CalledProcessError) as error:
        print(f"read_trc.py: {sys.argv[-1]}: {error}", file=sys.stderr)
        sys.exit(2)
