# SPDX-License-Identifier: BSD-3-Clause
"""A disk that is slow or full, a clock that is set, a control thread that is held, for a server that a test starts: see preload.c,
which this steers."""
import mmap
import struct

import kit

PRELOAD = kit.STEERD.parents[1] / "tests/chaos/preload.so"
SYNC_MS, FULL, SYNCS, REFUSED, HANGS, LOOKERS, CLOCK_S, HELD, HOLDS, WORDS = range(10)


class Disk:
    """Of everything below `folder`; control files lie outside of it."""

    def __init__(self, folder, control):
        self.folder, self.control = folder, control
        control.write_bytes(bytes(4 * WORDS))
        with open(control, "r+b") as stream:
            self.words = mmap.mmap(stream.fileno(), 4 * WORDS)

    def environment(self):
        """For the process; ASan would not have anything preloaded before itself."""
        own = kit.make_environment()
        return {**own, "LD_PRELOAD": str(PRELOAD), "CHAOS_CONTROL": str(self.control), "CHAOS_FOLDER": str(self.folder),
                "ASAN_OPTIONS": own["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def set(self, word, value):
        struct.pack_into("=I", self.words, 4 * word, value % 2**32)

    def get(self, word):
        return struct.unpack_from("=I", self.words, 4 * word)[0]

    def ahead_s(self):
        """Of the time of day, what it is off."""
        return struct.unpack_from("=i", self.words, 4 * CLOCK_S)[0]

    def heal(self):
        for word in SYNC_MS, FULL, HANGS, CLOCK_S, HELD:
            self.set(word, 0)

    def close(self):
        self.words.close()
