# SPDX-License-Identifier: BSD-3-Clause
"""What values of the documents mean, as the manual says it."""
import fractions
import ipaddress
import re


def tolerate(count):
    """How much of an average one of so many may be missing: "66.67%" of three are two, "16.67%" of thirty five."""
    return max(fractions.Fraction(5, 10000), min(fractions.Fraction(6, 100000) * count, fractions.Fraction(49, 100)))


def read_share(value):
    """A fraction, or None for a count."""
    if isinstance(value, str):
        return fractions.Fraction(value.rstrip("%")) / 100
    return fractions.Fraction(str(value)) if isinstance(value, float) else None


def read_seconds(value):
    return int(value[:-1]) * {"s": 1, "m": 60, "h": 3600}[value[-1]] if isinstance(value, str) else value


def write_rdata(rtype, text, origin):
    """With absolute names, and addresses as Python writes them."""
    if rtype in ("A", "AAAA"):
        return ipaddress.ip_address(text).compressed
    return text if rtype == "TXT" or text.endswith(".") else f"{text}.{origin}."


def fits(pattern, name):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
