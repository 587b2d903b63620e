# SPDX-License-Identifier: BSD-3-Clause
"""Good master files with one to three changes, most of which break them. Each change is drawn from a list, so that what
people and editors really do to files comes up: a lost dot, quote or parenthesis, a number too large, a line twice or
gone, words swapped, records that contradict each other."""
import random
import re

import zonefile

SPLIT = re.compile(r"(\s+)")
NUMBERS = ["-1", "+1", "1.5", "256", "65536", "4294967295", "4294967296", "2147483648", "0x10", "1e3", "00", "1h1", "h", "1w1x",
           "99999999999999999999"]
WORDS = ["@", ".", "..", "a..b", ".a", "a.", "*", "\\", "\\1", "\\12", "\\256", "\\999", "\\#", "$", "$x", "-", '""', '"', "(", ")",
         "()", ";", "IN", "CH", "HS", "ANY", "CLASS3", "CLASS65536", "A", "MX", "TYPE0", "TYPE65536", "TYPE41", "OPT", "AXFR",
         "SOA", "NOTATYPE", "1", "300", "192.0.2.1", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1.", "1:2:3", "2001:db8::1",
         "2001:db8:::1", "::ffff:192.0.2.300", "1::2::3", "fe80::1%eth0", "l" * 64, "l" * 63, ".".join(["m" * 63] * 4),
         "abc", "abcd", "AA=", "AA==", "A===", "zz", "f", "20300101000000", "20301301000000", "20300230000000", "2030010100000"]
CHARS = '\\"();@$.*-= \t\n019aAzZ\x00\x7f\xff\x01,:/'
SECTIONS = ["a CNAME b\na A 192.0.2.1\n", "a A 192.0.2.1\na CNAME b\n", "a CNAME b\na CNAME c\n", "d DNAME x.\nd DNAME y.\n",
            "d DNAME x.\ne.d A 192.0.2.1\n", "d DNAME x.\nd CNAME y.\n", "q SOA a b 1 2 3 4 5\n", "@ SOA a b 1 2 3 4 5\n",
            "example.net. A 192.0.2.1\n", "com. A 192.0.2.1\n", "@ CNAME x.\n", "* NS x.\n", "@ DS 1 8 1 " + "ab" * 20 + "\n",
            "u A 192.0.2.1\nu A 192.0.2.1\n", "u 1 A 192.0.2.1\nu 2 A 192.0.2.2\n", "$TTL\n", "$TTL x\n", "$TTL -1\n", "$TTL 1h 2h\n",
            "$TTL 4294967296\n", "$ORIGIN\n", "$ORIGIN a..b.\n", "$INCLUDE nowhere\n", "$INCLUDE\n", "$INCLUDE zone\n", "$FOO x\n", "$\n",
            "u A\n", "u\n", "u IN\n", "u 300\n", "u IN 300\n", "u IN IN A 192.0.2.1\n", "u 300 300 A 192.0.2.1\n", "u MX mail\n",
            "u MX 1\n", "u MX 1 a b\n", "u A 192.0.2.1 192.0.2.2\n", "u TXT\n", 'u TXT "a" b"c"\n', 'u TXT "a\nb"\n', 'u TXT a"b"\n',
            'u TXT "a""b"\n', 'u TXT "' + "x" * 256 + '"\n', "u TXT " + "x" * 256 + "\n", "u TYPE65534 \\# 2 ab\n",
            "u TYPE65534 \\# 1 abcd\n", "u TYPE65534 \\# 2 abc\n", "u TYPE65534 \\# 2 xyzw\n", "u TYPE65534 \\# x\n", "u TYPE65534 ab\n",
            "u A \\# 3 c00002\n", "u A \\# 5 c000020101\n", "u MX \\# 3 00010a\n", "u TXT \\# 1 05\n", "u NS \\# 2 0161\n",
            "u AAAA 192.0.2.1\n", "u A 2001:db8::1\n", "u SRV 1 2 65536 a\n", "u SRV 1 2 3\n", "u CAA 256 issue x\n", "u CAA 0 i$ue x\n",
            "u HTTPS 1 . port=65536\n", "u HTTPS 1 . port=1 port=2\n", "u HTTPS 1 . alpn\n", "u HTTPS 1 . mandatory=alpn\n",
            "u HTTPS 1 . no-default-alpn\n", "u HTTPS 1 . ipv4hint=1.2.3\n", "u HTTPS 1 . foo=bar\n", "u HTTPS 1 . key65536=x\n",
            "u SVCB 1\n", "u SVCB 1 . alpn=\n", "u SVCB 1 . mandatory=mandatory\n", "u SVCB 1 . ech=!\n", "u SSHFP 1 1 xyz\n",
            "u TLSA 3 1 1 abc\n", "u TLSA 3 1 256 ab\n", "u DS 1 8 2\n", "u NAPTR 1 2 u s r\n", "u NAPTR 65536 2 u s r .\n",
            "u LOC 91 N 2 E 1m\n", "u LOC 1 60 N 2 E 1m\n", "u LOC 1 N 181 E 1m\n", "u LOC 1 N 2 E\n", "u LOC 1 X 2 E 1m\n",
            "u APL 1:192.0.2.0/33\n", "u APL 3:1/1\n", "u APL 192.0.2.0/24\n", "u EUI48 00-00-5e-00-53\n", "u EUI64 00-00-5e-00-53-2a\n",
            "u NSEC a NOTATYPE\n", "u NSEC3 1 0 0 - !!!! A\n", "u NSEC3 1 0 0 abc 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n", "u CERT FOO 1 8 AA==\n",
            "u RRSIG A 8 3 300 x y 1 a. AA==\n", "u RRSIG A 8 3 300 20301301000000 20300101000000 1 a. AA==\n", "u IPSECKEY 1 4 2 x AA==\n",
            "u IPSECKEY 1 1 2 x AA==\n", "u IPSECKEY 1 3 2 . !\n", "u URI 1 2\n", "u URI 1 65536 \"x\"\n", "u L64 1 1:2:3\n", "u NID 1 1:2:3:4:5\n",
            "u OPENPGPKEY !\n", "u OPENPGPKEY\n", "u CSYNC x 3 A\n", "u WKS 192.0.2.1 TCP 65536\n", "u ZONEMD 1 1 1 ab\n",
            "u X25 \n", "u HIP 2 zz AA==\n", "u DHCID\n", "u HINFO a\n", "u RP a\n", "u AFSDB a\n", "u CNAME\n", "u CNAME a b\n",
            "$GENERATE 1-2 x$ A\n", "$GENERATE 2-1 x$ A 192.0.2.$\n", "$GENERATE 1-300 x$ A 192.0.2.$\n", "$GENERATE x y A 192.0.2.1\n",
            "$GENERATE 1-2 x${ A 192.0.2.$\n", "$GENERATE 1-2/0 x$ A 192.0.2.$\n", " A 192.0.2.1\n", "  \n", ")\n", "(\n", "u A (192.0.2.1\n",
            "u A 192.0.2.1)\n", "u A ((192.0.2.1))\n", "u (A 192.0.2.1)\n"]


class Breaker:
    def __init__(self, seed):
        self.draw = random.Random(f"break {seed}")
        self.file = zonefile.make_good(f"to break {seed}", plain=True)
        self.lines = self.file.text.split("\n")

    def any_line(self):
        filled = [at for at, line in enumerate(self.lines) if line.strip()]
        return self.draw.choice(filled) if filled else 0

    def change_word(self, change):
        """Let `change` put another list in the place of a line's words."""
        at = self.any_line()
        pieces = SPLIT.split(self.lines[at])
        words = [place for place in range(0, len(pieces), 2) if pieces[place]]
        if words:
            change(pieces, words)
            self.lines[at] = "".join(pieces)

    def put_word(self, pieces, words):
        pieces[self.draw.choice(words)] = self.draw.choice(WORDS)

    def put_number(self, pieces, words):
        numbers = [place for place in words if pieces[place].isdigit()]
        pieces[self.draw.choice(numbers or words)] = self.draw.choice(NUMBERS)

    def drop_word(self, pieces, words):
        pieces[self.draw.choice(words)] = ""

    def double_word(self, pieces, words):
        place = self.draw.choice(words)
        pieces[place] += " " + pieces[place]

    def swap_words(self, pieces, words):
        one, other = self.draw.choice(words), self.draw.choice(words)
        pieces[one], pieces[other] = pieces[other], pieces[one]

    def add_word(self, pieces, words):
        pieces[self.draw.choice(words)] += " " + self.draw.choice(WORDS)

    def change_char(self):
        at = self.any_line()
        line = self.lines[at]
        place = self.draw.randrange(len(line) + 1)
        kind = self.draw.randrange(3)
        new = self.draw.choice(CHARS) if kind != 0 else ""
        self.lines[at] = line[:place] + new + line[place + (kind != 1):]

    def drop_line(self):
        del self.lines[self.any_line()]

    def double_line(self):
        at = self.any_line()
        self.lines.insert(self.draw.randrange(at, len(self.lines)), self.lines[at])

    def move_line(self):
        line = self.lines.pop(self.any_line())
        self.lines.insert(self.draw.randrange(len(self.lines) + 1), line)

    def cut(self):
        text = "\n".join(self.lines)
        self.lines = text[:self.draw.randrange(len(text) + 1)].split("\n")

    def add_section(self):
        section = self.draw.choice(SECTIONS).replace("u ", f"u{self.draw.randrange(10 ** 6)} ")
        self.lines += ["$ORIGIN example.com.", *section.split("\n")]

    def make(self):
        words = [self.put_word, self.put_number, self.drop_word, self.double_word, self.swap_words, self.add_word]
        others = [self.change_char, self.change_char, self.drop_line, self.double_line, self.move_line, self.cut]
        kind = self.draw.random()
        if kind < 0.35:
            self.add_section()
        for _ in range(0 if kind < 0.3 else self.draw.choice([1, 1, 2, 3])):
            if self.draw.random() < 0.5:
                self.change_word(self.draw.choice(words))
            else:
                self.draw.choice(others)()
        self.file.text = "\n".join(self.lines)
        return self.file


def make_broken(seed):
    return Breaker(seed).make()
