# SPDX-License-Identifier: BSD-3-Clause
"""The sources of `steerctl import`: files of another server -> files of steerd, and a report."""
from . import cloudflare, knot, powerdns, route53
from .convert import Conversion
from .draft import Draft
from .report import Failure

PLACES = ("continent", "country", "subdivision", "city", "asn")
SOURCES = {"cloudflare": cloudflare.convert, "gdnsd": None, "knot": knot.convert, "powerdns": powerdns.convert,
           "route53": route53.convert}


def convert(source, arguments, database, report):
    """path -> text or document. Failure: the files make no sense; its text says which, where and why."""
    if source == "gdnsd":
        return convert_gdnsd(arguments, database, report)
    draft = Draft(report)
    try:
        SOURCES[source](draft, arguments, [database] if database else [])
    except RecursionError:
        raise Failure(f"{arguments[0]}: nested too deeply") from None
    files = draft.files()
    if not draft.databases and asks_where(draft):
        report.approximate("steerd.json", "rules ask where clients are: name a geo database in \"geo\" (geo-fetch fetches one), or import "
                                          "with --geo FILE; without one every client gets what is for the rest of the world")
    return files


def asks_where(draft):
    plans = [name.plan for name in draft.names]
    return any(key in PLACES for plan in plans for when, _ in plan.rules for key in when) or \
        any(hasattr(tiers, "limit") for plan in plans for tiers in plan.choices())


def convert_gdnsd(arguments, database, report):
    if len(arguments) != 1 or database:
        raise Failure("gdnsd: expected one folder, such as /etc/gdnsd, and no --geo")
    conversion = Conversion(arguments[0], report)
    return conversion.files
