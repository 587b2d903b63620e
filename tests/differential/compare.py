# SPDX-License-Identifier: BSD-3-Clause
"""What may differ between two right answers, and nothing else.

An answer is rcode, AA, TC and three sections, each a set of (owner in lower case, type, ttl, rdata). RULES is the
whole list of allowed differences: every rule names the oracles that it is about, the fields that it excuses, its
reason, and a condition that has to hold for the two answers at hand.
"""
import collections

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

FIELDS = ("rcode", "aa", "tc", "answer", "authority", "additional")
ALL = ("nsd", "knot", "bind")


class Answer:
    """A reply in a form that can be compared; raw bytes beside it."""

    def __init__(self, wire):
        self.wire = wire
        self.message = dns.message.from_wire(wire)
        assert not self.message.errors, (wire.hex(), self.message.errors)
        self.rcode = dns.rcode.to_text(self.message.rcode())
        self.aa = bool(self.message.flags & dns.flags.AA)
        self.tc = bool(self.message.flags & dns.flags.TC)
        for name in ("answer", "authority", "additional"):
            setattr(self, name, to_set(getattr(self.message, name)))

    def authority_has(self, wanted):
        return any(rtype == wanted for _, rtype, _, _ in self.authority)

    def cnames(self):
        return {owner: rdata for owner, rtype, _, rdata in self.answer if rtype == dns.rdatatype.CNAME}


def to_set(section):
    records = [(rrset.name.canonicalize().to_text(), rrset.rdtype, rrset.ttl, rdata.to_digestable())
               for rrset in section for rdata in rrset]
    return frozenset(records)


class Case:
    """One query and the two answers; ask_full asks steerd the same over TCP, where nothing is cut off."""

    def __init__(self, query, ours, theirs, world, ask_full):
        self.query, self.ours, self.theirs, self.world, self.ask_full = query, ours, theirs, world, ask_full

    def limit(self):
        """Octets that a reply may have."""
        if self.query.tcp:
            return 65535
        return min(1232, self.query.payload or 512)

    def full(self):
        return Answer(self.ask_full()) if self.ours.tc else self.ours


def walk(name, cnames):
    """The names that an answer leads through: the question's, then each CNAME's target, until one comes again."""
    names = [name.canonicalize().to_text()]
    while names[-1] in cnames:
        target = dns.name.from_wire(cnames[names[-1]], 0)[0].to_text()
        names.append(target)
        if target in names[:-1]:
            break
    return names


def is_loop(names):
    return names[-1] in names[:-1]


Rule = collections.namedtuple("Rule", "name oracles fields reason holds")

RULES = []


def rule(name, oracles, fields, reason):
    def enter(holds):
        RULES.append(Rule(name, oracles, fields, reason, holds))
        return holds
    return enter


@rule("additional-outside-referrals", ALL, ("additional",),
      "additional data are optional (RFC 1034 section 4.3.2 step 6); steerd adds them to referrals only")
def _(case):
    return not case.ours.tc and not case.ours.authority_has(dns.rdatatype.NS) and not case.ours.additional


@rule("truncated-content", ALL, ("answer", "authority", "additional"),
      "what stands in a truncated reply is not used (RFC 2181 section 9); steerd sends none")
def _(case):
    return case.ours.tc and case.theirs.tc and not (case.ours.answer or case.ours.authority or case.ours.additional)


def uncompressed_len(answer):
    """Of the message if no owner were compressed."""
    return len(answer.wire) + sum(len(dns.name.from_text(record[0]).to_wire()) - 2
                                  for record in answer.answer | answer.authority | answer.additional)


@rule("optional-glue-left-out", ("nsd", "bind"), ("tc", "answer", "authority", "additional"),
      "a referral that does not fit loses addresses without TC; steerd sets TC, so that the resolver gets all of them "
      "(RFC 9471)")
def _(case):
    if not case.ours.tc or case.theirs.tc or not case.theirs.authority_has(dns.rdatatype.NS):
        return False
    full = case.full()
    return len(full.wire) > case.limit() and case.theirs.answer == full.answer \
        and case.theirs.authority == full.authority and case.theirs.additional < full.additional


@rule("less-compression", ALL, ("tc", "answer", "authority", "additional"),
      "steerd compresses against the question and the apex only; of two long names alike the oracles write one")
def _(case):
    if not case.ours.tc or case.theirs.tc:
        return False
    full = case.full()
    return len(full.wire) > case.limit() >= len(case.theirs.wire) and case.theirs.answer == full.answer \
        and case.theirs.authority == full.authority and case.theirs.additional == full.additional


@rule("follows-in-its-zone-only", ("knot", "bind"), ("rcode", "tc", "answer", "authority", "additional"),
      "a CNAME that leads to another zone is followed by steerd and NSD if that zone is here too, not by Knot and "
      "BIND: the resolver asks again (RFC 1034 section 4.3.2 step 3a allows both)")
def _(case):
    cnames, world = case.theirs.cnames(), case.world
    names = [dns.name.from_text(name) for name in walk(case.query.name, cnames)]
    return case.theirs.rcode == "NOERROR" and 1 <= len(cnames) == len(case.theirs.answer) == len(names) - 1 \
        and case.theirs.answer <= case.full().answer and not case.theirs.authority \
        and world.zone_of(names[-1]) is not world.zone_of(names[-2])


@rule("nsd-one-tree", ("nsd",), ("rcode", "answer", "authority"),
      "NSD keeps the names of all zones in one tree: glue in the parent makes the name exist in the child zone too")
def _(case):
    names = walk(case.query.name, case.ours.cnames())
    return any(case.world.meets_glue_of_parent(dns.name.from_text(name)) for name in names)


@rule("bind-case-sensitive-compression", ("bind",), ("tc", "answer", "authority", "additional"),
      "BIND compresses against names of the same case only: its reply to a question in capitals is longer")
def _(case):
    folded = case.query.name.canonicalize().labels != case.query.name.labels
    return case.theirs.tc and not case.ours.tc and folded and uncompressed_len(case.ours) > case.limit()


@rule("bind-glue-only", ("bind",), ("additional",),
      "with minimal-responses BIND adds to a referral what lies below a cut, but not the zone's own address records")
def _(case):
    missing = case.ours.additional - case.theirs.additional
    return case.theirs.additional < case.ours.additional \
        and not any(case.world.is_below_cut(dns.name.from_text(record[0])) for record in missing)


@rule("bind-loop-is-servfail", ("bind",), ("rcode", "tc", "answer"),
      "BIND says SERVFAIL after a loop of CNAMEs that it nevertheless sends; RFC 1034 section 3.6.2 wants it signalled "
      "by the resolver; NSD and Knot say NOERROR as steerd does")
def _(case):
    full = case.full()
    return case.theirs.rcode == "SERVFAIL" and case.ours.rcode == "NOERROR" \
        and is_loop(walk(case.query.name, full.cnames())) and case.theirs.answer == full.answer


@rule("ds-behind-cname-from-child", ("knot", "bind"), ("answer", "authority"),
      "DS at an apex a CNAME leads to is answered by the child in Knot and BIND, as NODATA; by the parent in steerd "
      "and NSD (RFC 1034 section 4.3.2 step 3a starts again with RFC 4035 section 3.1.4.1)")
def _(case):
    names = [dns.name.from_text(name) for name in walk(case.query.name, case.ours.cnames())]
    zone = case.world.zone_of(names[-1])
    return case.query.rtype == "DS" and len(names) > 1 and zone is not None and zone.origin == names[-1] \
        and case.theirs.answer <= case.ours.answer and case.theirs.authority_has(dns.rdatatype.SOA) \
        and {record[0] for record in case.theirs.authority} == {zone.origin.to_text()}


@rule("knot-five-cnames", ("knot",), ("rcode", "tc", "answer", "authority", "additional"),
      "Knot follows five CNAMEs, steerd ten: the resolver asks for the rest")
def _(case):
    return case.theirs.rcode == "NOERROR" and len(case.theirs.cnames()) == len(case.theirs.answer) == 5 \
        and case.theirs.answer <= case.full().answer and not case.theirs.authority


@rule("knot-nul-in-label", ("knot",), ("rcode", "aa", "tc", "answer", "authority", "additional"),
      "Knot orders names with \\000 between labels and so takes a\\000b for two labels, b.a: it finds nodes "
      "that are not there")
def _(case):
    return any(case.world.meets_nul(dns.name.from_text(name)) for name in walk(case.query.name, case.ours.cnames()))


def compare(oracle, case, used):
    """The fields that differ and that no rule excuses. `used` counts the rules that were needed."""
    differing = {field for field in FIELDS if getattr(case.ours, field) != getattr(case.theirs, field)}
    for each in RULES:
        excused = differing.intersection(each.fields)
        if oracle in each.oracles and excused and each.holds(case):
            used[each.name] += 1
            differing -= excused
    return sorted(differing)
