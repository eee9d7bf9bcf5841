"""ClickHouse as a server with an HTTP interface, out of the library of chDB.

The library has all of ClickHouse in it, and a way into `clickhouse-local`, which can open the HTTP interface. Users, passwords and
grants are those of a server.

Run: python3 server.py <library> <port for other replicas, or 0> <arguments of clickhouse-local>
"""

import ctypes
import signal
import struct
import sys

# It opens the interface, then waits for a day.
STATEMENTS = (
    "SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM numbers(86400) FORMAT Null "
    "SETTINGS function_sleep_max_microseconds_per_block = 100000000000, max_block_size = 1"
)
# For `prctl`: the signal that comes when the parent ends.
PARENT_DEATH_SIGNAL = 1


class OtherBuild(Exception):
    """The library is not the one whose places are known here."""


class Changes:
    """Changes of the code of the library in the memory of this process, at places of exactly one build."""

    # `mmap` and `mprotect`.
    READ, WRITE, EXECUTE = 1, 2, 4
    PRIVATE, ANONYMOUS, FIXED_BUT_FREE = 0x2, 0x20, 0x100000
    PAGE = 0x1000

    def __init__(self, system, path):
        self.system = system
        system.mmap.restype = ctypes.c_void_p
        system.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        system.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.base = self.base_of(path)
        self.code = self.room()
        # Behind the code, which takes less than a page.
        self.data = self.code + self.PAGE

    @staticmethod
    def base_of(path):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            for line in maps:
                fields = line.split()
                if fields[-1] == path and int(fields[2], 16) == 0:
                    return int(fields[0].split("-")[0], 16)
        raise OtherBuild()

    def room(self):
        """Memory so near to the library that a jump reaches it."""
        for distance in range(0x100000, 0x70000000, 0x100000):
            wanted = self.base - distance
            rights = self.READ | self.WRITE | self.EXECUTE
            flags = self.PRIVATE | self.ANONYMOUS | self.FIXED_BUT_FREE
            found = self.system.mmap(wanted, 2 * self.PAGE, rights, flags, -1, 0)
            if found == wanted:
                return found
        raise OtherBuild()

    def is_there(self, place, expected):
        return ctypes.string_at(self.base + place, len(expected)) == expected

    def write(self, place, octets):
        start = (self.base + place) & -self.PAGE
        self.system.mprotect(start, 2 * self.PAGE, self.READ | self.WRITE | self.EXECUTE)
        ctypes.memmove(self.base + place, octets, len(octets))
        self.system.mprotect(start, 2 * self.PAGE, self.READ | self.EXECUTE)

    @staticmethod
    def jump(start, target):
        return b"\xe9" + struct.pack("<i", target - (start + 5))

    def detour(self, place, length, instructions):
        """Has these instructions run in the place of the first `length` octets that stand there."""
        ctypes.memmove(self.code, instructions, len(instructions))
        back = self.code + len(instructions)
        ctypes.memmove(back, self.jump(back, self.base + place + length), 5)
        self.write(place, self.jump(self.base + place, self.code).ljust(length, b"\x90"))
        self.code = (back + 5 + 15) & ~15


def store_word(offset, value):
    """mov rcx, value; mov [rax + offset], rcx"""
    return b"\x48\xb9" + struct.pack("<Q", value) + b"\x48\x89\x88" + struct.pack("<i", offset)


def store_text(offset, text):
    """A text of the C++ library of up to 22 octets: it stands in the object, its length in the last octet."""
    octets = text.encode().ljust(23, b"\0") + bytes([len(text)])
    return b"".join(store_word(offset + at, struct.unpack_from("<Q", octets, at)[0]) for at in (0, 8, 16))


def become_replica(system, path, port):
    """Lets other replicas fetch parts from 127.0.0.2.

    `clickhouse-local` never says under which address it can be reached, and opens no port for it, though the code for both is
    there. Known is the build 26.7.2.1 for x86-64.
    """
    address, factory, credentials = 0x1417C9C0, 0xF117FEC, 0x183D52B2
    address_was = bytes.fromhex("4156534883ec484c8b36")
    factory_was = bytes.fromhex("488d4c24204c8d442450")
    credentials_was = bytes.fromhex("0f840d010000")
    changes = Changes(system, path)
    known = ((address, address_was), (factory, factory_was), (credentials, credentials_was))
    if not all(changes.is_there(place, octets) for place, octets in known):
        raise OtherBuild()

    # Context::getInterserverIOAddress: what the configuration of a server sets in the shared context is set before it is looked at.
    # First `mov rax, [rsi]`: the shared context. The port is a word: `mov word [rax + 0x168], port`.
    no_credentials = changes.data + 0x400
    ctypes.memmove(no_credentials + 0x38, b"\x01", 1)
    changes.detour(
        address,
        len(address_was),
        b"\x48\x8b\x06"
        + store_text(0x150, "127.0.0.2")
        + b"\x66\xc7\x80"
        + struct.pack("<iH", 0x168, port)
        + store_text(0x170, "http")
        + store_word(0x1B0, no_credentials)
        + address_was,
    )

    # Where the handlers of an HTTP port are made by their name: for the second address to listen at, 127.0.0.2, they are those for
    # replicas. `inc dword [counter]; cmp dword [counter], 1`, then what was there, then, if it is not the first one, `mov rcx, name`.
    name = b"InterserverIOHTTPHandler-factory"
    counter, text, text_object = changes.data, changes.data + 0x100, changes.data + 0x40
    ctypes.memmove(text, name, len(name))
    # A longer text of the C++ library: where it stands, its length, and the room for it, marked as such.
    ctypes.memmove(text_object, struct.pack("<QQQ", text, len(name), 1 << 63 | (len(name) + 1)), 24)
    changes.detour(
        factory,
        len(factory_was),
        b"\x48\xb8"
        + struct.pack("<Q", counter)
        + b"\xff\x00\x83\x38\x01"
        + factory_was
        + b"\x74\x0a\x48\xb9"
        + struct.pack("<Q", text_object),
    )

    # The handler for replicas compares credentials, which there are none of: a jump for one kind of them becomes one for all.
    changes.write(credentials, b"\x90\xe9" + credentials_was[2:])


def main():
    path, port, arguments = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    system = ctypes.CDLL(None, use_errno=True)
    # It goes with the test that started it, however that ends.
    system.prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    library = ctypes.CDLL(path)
    if port != 0:
        try:
            become_replica(system, path, port)
        except OtherBuild:
            sys.exit("this build of ClickHouse is not known: it can be a server, but no replica")
    words = [word.encode() for word in ["clickhouse", *arguments, "--query", STATEMENTS]]
    library.chdb_query_cmdline.restype = ctypes.c_void_p
    result = library.chdb_query_cmdline(len(words), (ctypes.c_char_p * len(words))(*words))
    library.chdb_result_error.restype = ctypes.c_char_p
    library.chdb_result_error.argtypes = [ctypes.c_void_p]
    error = library.chdb_result_error(result)
    sys.exit("it ended" if error is None else error.decode(errors="replace"))


main()
