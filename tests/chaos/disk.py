# SPDX-License-Identifier: BSD-3-Clause
"""A disk that is slow or full, for a server that a test starts: see preload.c, which this steers."""
import mmap
import struct

import kit

PRELOAD = kit.STEERD.parents[1] / "tests/chaos/preload.so"
SYNC_MS, FULL, SYNCS, REFUSED, HANGS, LOOKERS, WORDS = range(7)


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
        struct.pack_into("=I", self.words, 4 * word, value)

    def get(self, word):
        return struct.unpack_from("=I", self.words, 4 * word)[0]

    def heal(self):
        self.set(SYNC_MS, 0)
        self.set(FULL, 0)
        self.set(HANGS, 0)

    def close(self):
        self.words.close()
