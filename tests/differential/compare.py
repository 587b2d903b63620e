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
ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)
SERVICES = (dns.rdatatype.SVCB, dns.rdatatype.HTTPS)
HOSTS = (dns.rdatatype.MX, dns.rdatatype.SRV)


class Answer:
    """A reply in a form that can be compared; raw bytes beside it."""
    answer = authority = additional = frozenset()

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

    def is_chain(self):
        """Nothing but CNAMEs, and the DNAMEs that made some of them."""
        return all(rtype in (dns.rdatatype.CNAME, dns.rdatatype.DNAME) for _, rtype, _, _ in self.answer)

    def cnames(self):
        return {owner: rdata for owner, rtype, _, rdata in self.answer if rtype == dns.rdatatype.CNAME}


def to_set(section):
    records = [(rrset.name.canonicalize().to_text(), rrset.rdtype, rrset.ttl, rdata.to_digestable())
               for rrset in section for rdata in rrset]
    return frozenset(records)


class Case:
    """One query to an oracle and the two answers; ask_full asks steerd and the oracle the same over TCP, where nothing is
    cut off, and returns both answers' bytes."""

    def __init__(self, oracle, query, answers, world, ask_full):
        self.oracle, self.query, self.world, self.ask_full = oracle, query, world, ask_full
        self.ours, self.theirs = (Answer(wire) for wire in answers)
        self._full = None

    def limit(self):
        """Octets that a reply may have."""
        if self.query.tcp:
            return 65535
        return min(1232, self.query.payload or 512)

    def full_wires(self):
        if self._full is None:
            self._full = (self.ours.wire, self.theirs.wire) if self.query.tcp else self.ask_full()
        return self._full

    def full(self):
        """Our answer with all that is in it."""
        return self.ours if self.query.tcp else Answer(self.full_wires()[0])

    def agrees_over_tcp(self):
        """Is all the same (but for what the rules allow there) where there is room for everything?"""
        query = self.query._replace(tcp=True)
        return not compare(Case(self.oracle, query, self.full_wires(), self.world, self.ask_full), collections.Counter())

    def names(self):
        """The question's name and the targets of the CNAMEs that follow."""
        if self.query.rtype == "CNAME":
            return [self.query.name]
        return [dns.name.from_text(name) for name in walk(self.query.name, self.ours.cnames())]

    def zone(self):
        """The zone that the answer ends in."""
        return self.world.zone_of(self.names()[-1])

    def missing(self):
        return self.ours.additional - self.theirs.additional

    def extra(self):
        return self.theirs.additional - self.ours.additional

    def take(self, extra, missing=frozenset()):
        """Leave these additional records out of the comparison. Returns whether there are any."""
        self.theirs.additional -= extra
        self.ours.additional -= missing
        return bool(extra or missing)

    def server_addresses(self):
        """Of the zone's name servers, in their answer."""
        zone = self.zone()
        servers = zone.records(zone.origin, "NS") if zone is not None else ()
        targets = {dns.name.from_wire(rdata, 0)[0].to_text() for _, _, _, rdata in servers}
        return {record for record in self.theirs.additional if record[1] in ADDRESSES and record[0] in targets}

    def is_below_cut(self, records):
        return all(self.world.is_below_cut(dns.name.from_text(record[0])) for record in records)

    def answers(self, *rtypes):
        """The records of a type in our answer."""
        return [record for record in self.ours.answer if record[1] in rtypes]


def record_len(record):
    """Octets of a record without compression."""
    return len(dns.name.from_text(record[0]).to_wire()) + 10 + len(record[3])


def largest_rrset(records):
    """Octets of the largest RRset; far too many if there is none."""
    sizes = collections.Counter()
    for record in records:
        sizes[record[:2]] += record_len(record)
    return max(sizes.values(), default=1 << 16)


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

Adjustment = collections.namedtuple("Adjustment", "name oracles reason adjust")

ADJUSTMENTS = []


def rule(name, oracles, fields, reason):
    def enter(holds):
        RULES.append(Rule(name, oracles, fields, reason, holds))
        return holds
    return enter




def adjustment(name, oracles, reason):
    """Takes out of their answer what is only more of the right; then the rest is compared. Returns whether it did."""
    def enter(adjust):
        ADJUSTMENTS.append(Adjustment(name, oracles, reason, adjust))
        return adjust
    return enter


@adjustment("nsd-authority", ("nsd",),
            "without minimal-responses NSD adds the zone's NS and their addresses to positive answers; steerd, Knot and "
            "BIND do not")
def _(case):
    zone = case.zone()
    servers = zone.records(zone.origin, "NS") if zone is not None else frozenset()
    if not case.ours.answer or case.ours.authority or not case.theirs.authority or case.theirs.authority != servers:
        return False
    case.theirs.authority = frozenset()
    case.take(case.extra() & case.server_addresses())
    return True


@rule("room-for-additional", ALL, ("additional",),
      "additional data that do not fit are left out (RFC 2181 section 9), by everybody in an order of his own")
def _(case):
    if case.ours.tc or case.theirs.tc:
        return False
    everything = case.full().additional
    return case.ours.additional <= everything and case.theirs.additional <= everything \
        and len(case.ours.wire) + largest_rrset(everything - case.ours.additional) > case.limit() \
        and len(case.theirs.wire) + largest_rrset(everything - case.theirs.additional) > case.limit()


@rule("nsd-svcb", ("nsd",), ("additional",), "this NSD knows no additional data for SVCB and HTTPS (RFC 9460 section 4.1)")
def _(case):
    return case.answers(*SERVICES) and not case.extra() and case.theirs.additional <= case.server_addresses()


def service_targets(records):
    """(priority, target, owner) of SVCB and HTTPS records; the target None for "."."""
    for owner, rtype, _, rdata in records:
        if rtype not in SERVICES:
            continue
        name = dns.name.from_wire(rdata, 2)[0]
        yield rdata[0] << 8 | rdata[1], None if name == dns.name.root else name.canonicalize().to_text(), owner


@adjustment("wildcard-owner", ("nsd", "knot"),
            "an address that a wildcard gives to a target has a wrong owner in NSD (labels of the target are lost) and, "
            "for SVCB and HTTPS, in Knot (the wildcard itself)")
def _(case):
    right = {}
    everything = case.full().additional if case.extra() else frozenset()
    for record in everything - case.theirs.additional:
        if not case.world.exists(dns.name.from_text(record[0])):
            right[record[1:]] = record
    wrong = {record for record in case.extra() if record[1:] in right}
    case.theirs.additional = (case.theirs.additional - wrong) | {right[record[1:]] for record in wrong}
    return bool(wrong)


@adjustment("knot-svcb", ("knot",),
            "Knot adds SVCB records of a target in ServiceMode too, where nobody will ask for them, and of the owner if "
            'that is its own target, but not the addresses of the owner for ".", and does not follow an alias to another')
def _(case):
    targets = [(priority, target or "", owner) for priority, target, owner in service_targets(case.ours.answer)]
    extra_of = {target for priority, target, owner in targets if priority or target == owner or target[:2] == "*."}
    direct = {target for _, target, _ in targets if target}
    own = {owner for priority, target, owner in targets if priority and not target}
    return case.take({record for record in case.extra() if record[1] in SERVICES and any(
        record[0] == target or (record[0][:2] == "*." and target.endswith(record[0][1:])) for target in extra_of)},
                     {record for record in case.missing() if targets and (record[0] in own or record[0] not in direct)})


@adjustment("bind-svcb", ("bind",),
            "BIND adds the CNAME that a target of SVCB is, with what it leads to, and a wildcard's records to themselves "
            "where they are their target, but not the addresses of an alias' target that has SVCB records itself")
def _(case):
    reached = {target for _, target, _ in service_targets(case.ours.answer | case.ours.additional)}
    for _ in range(8):
        reached |= {dns.name.from_wire(rdata, 0)[0].to_text() for owner, rtype, _, rdata in case.extra()
                    if rtype == dns.rdatatype.CNAME and owner in reached}
        reached |= {target for _, target, owner in service_targets(case.extra()) if target and owner in reached}
    aliases = {record[0] for record in case.extra() if record[1] == dns.rdatatype.CNAME}
    services = {record[0] for record in case.ours.additional if record[1] in SERVICES}
    return case.take({record for record in case.extra() if record[0] in reached and (aliases or record[0][:2] == "*.")},
                     {record for record in case.missing() if record[0] in services})


@adjustment("bind-tlsa", ("bind",), "BIND adds the TLSA records of MX and SRV targets, which clients ask for themselves")
def _(case):
    hosts = {".".join(owner.split(".")[2:]) for owner, rtype, _, _ in case.extra() if rtype == dns.rdatatype.TLSA}
    found = {record for record in case.extra() if record[1] == dns.rdatatype.TLSA}
    targets = {dns.name.from_wire(record[3], 2 if record[1] == dns.rdatatype.MX else 6)[0].to_text()
               for record in case.answers(*HOSTS)}
    return hosts <= targets and case.take(found)


@rule("knot-glue-for-hosts", ("knot",), ("additional",),
      "Knot adds glue to MX, SRV and SVCB; what a cut hides is not the zone's to tell")
def _(case):
    return case.answers(*HOSTS, *SERVICES) and not case.missing() and case.is_below_cut(case.extra())


@rule("bind-no-glue-at-apex", ("bind",), ("additional",),
      "BIND adds no glue to the apex NS; it is what resolvers ask for next")
def _(case):
    return case.answers(dns.rdatatype.NS) and not case.extra() and case.is_below_cut(case.missing())


@rule("truncated-content", ALL, ("answer", "authority", "additional"),
      "what stands in a truncated reply is not used (RFC 2181 section 9); steerd sends none")
def _(case):
    return case.ours.tc and case.theirs.tc and case.agrees_over_tcp() \
        and not (case.ours.answer or case.ours.authority or case.ours.additional)


@rule("optional-glue-left-out", ("nsd", "bind"), ("tc", "answer", "authority", "additional"),
      "a referral that does not fit loses addresses without TC; steerd sets TC, so that the resolver gets all of them "
      "(RFC 9471)")
def _(case):
    if not case.ours.tc or case.theirs.tc or not case.theirs.authority_has(dns.rdatatype.NS):
        return False
    full = case.full()
    return len(full.wire) > case.limit() and case.theirs.answer == full.answer \
        and case.theirs.authority == full.authority and case.theirs.additional < full.additional


@rule("follows-in-its-zone-only", ("knot", "bind"), ("rcode", "tc", "answer", "authority", "additional"),
      "a CNAME that leads to another zone is followed by steerd and NSD if that zone is here too, not by Knot and "
      "BIND: the resolver asks again (RFC 1034 section 4.3.2 step 3a allows both)")
def _(case):
    cnames, world = case.theirs.cnames(), case.world
    names = [dns.name.from_text(name) for name in walk(case.query.name, cnames)]
    return case.theirs.rcode == "NOERROR" and 1 <= len(cnames) == len(names) - 1 and case.theirs.is_chain() \
        and case.theirs.answer <= case.full().answer and not case.theirs.authority \
        and world.zone_of(names[-1]) is not world.zone_of(names[-2])


@rule("nsd-one-tree", ("nsd",), ("rcode", "tc", "answer", "authority", "additional"),
      "NSD keeps the names of all zones in one tree: glue in the parent is an empty non-terminal of the child zone, which "
      "hides the wildcards above it")
def _(case):
    name = dns.name.from_text(walk(case.query.name, case.theirs.cnames())[-1])
    ghost = case.world.ghost(name)
    return ghost is not None and case.theirs.rcode == ("NOERROR" if ghost == name else "NXDOMAIN") \
        and case.theirs.answer <= case.full().answer and not case.theirs.additional \
        and (case.theirs.authority or case.query.rclass == "ANY") \
        and {record[:2] for record in case.theirs.authority} <= {
            (case.world.zone_of(name).origin.to_text(), dns.rdatatype.SOA)}


@rule("compresses-less", ALL, ("rcode", "tc", "answer", "authority", "additional"),
      "a reply in which they do not compress a name is longer: NSD the target that a DNAME makes, BIND names of another "
      "case, Knot suffixes other than of the question's last labels; the rcode is what it was when the room ended")
def _(case):
    records = list(case.ours.answer | case.ours.authority | case.ours.additional)
    return case.theirs.tc and not case.ours.tc and case.agrees_over_tcp() \
        and 16 + len(case.query.name.to_wire()) + sum(map(record_len, records)) > case.limit()


@rule("bind-glue-only", ("bind",), ("additional",),
      "BIND adds to a referral what lies below a cut, but not the zone's own address records")
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
    return case.theirs.rcode == "NOERROR" and len(case.theirs.cnames()) == 5 and case.theirs.is_chain() \
        and case.theirs.answer <= case.full().answer and not case.theirs.authority


@rule("knot-yxdomain", ("knot",), ("rcode", "tc", "answer", "authority", "additional"),
      "where a DNAME leads to a name too long (RFC 6672 section 2.2), Knot goes on with the DNAME's target as it stands")
def _(case):
    reached = set()
    for _, rtype, _, rdata in case.ours.answer:
        if rtype == dns.rdatatype.DNAME:
            reached.update(walk(dns.name.from_wire(rdata, 0)[0], case.theirs.cnames()))
    return case.ours.rcode == "YXDOMAIN" and reached and case.ours.answer <= case.theirs.answer \
        and all(record[0] in reached for record in case.theirs.answer - case.ours.answer)


@rule("any-is-one-rrset", ALL, ("tc", "answer", "additional"),
      "one RRset is enough for ANY (RFC 8482 section 4.1), which one is open; BIND gives all of them")
def _(case):
    def sets(records):
        found = collections.defaultdict(set)
        for owner, rtype, ttl, rdata in records:
            found[owner, rtype].add((ttl, rdata))
        return found
    ours, theirs = sets(case.ours.answer), sets(case.theirs.answer)
    last = [rtype for owner, rtype in ours if owner == case.names()[-1].canonicalize().to_text()]
    return case.query.rtype == "ANY" and len(last) == 1 and not case.ours.tc and not case.ours.additional \
        and (theirs or case.theirs.tc) and all(ours[key] == theirs[key] for key in set(ours) & set(theirs))


@rule("bind-any-ends-at-dname", ("bind",), ("rcode", "tc", "answer", "authority", "additional"),
      "the CNAME that a DNAME makes is the answer to ANY for BIND; steerd, NSD and Knot go on (RFC 6672 section 3.2)")
def _(case):
    return case.query.rtype == "ANY" and case.theirs.is_chain() and case.theirs.cnames() \
        and case.theirs.rcode == "NOERROR" and case.theirs.answer <= case.full().answer and not case.theirs.authority


@rule("class-any", ALL, FIELDS, "QCLASS ANY is a format error for BIND")
def _(case):
    return case.query.rclass == "ANY" and case.theirs.rcode == "FORMERR"


@rule("class-any-authority", ("nsd", "knot"), ("aa",),
      "Knot sets AA in answers to QCLASS ANY, against RFC 1035 section 6.2, and NSD in referrals behind a CNAME")
def _(case):
    return case.query.rclass == "ANY" and case.theirs.aa and not case.ours.aa


@rule("class-any-soa", ("nsd",), ("authority",), "NSD leaves out the SOA of negative answers to QCLASS ANY")
def _(case):
    return case.query.rclass == "ANY" and not case.theirs.authority \
        and all(record[1] == dns.rdatatype.SOA for record in case.ours.authority)


@rule("subnet-takes-room", ALL, ("tc", "answer", "authority", "additional"),
      "an echoed client subnet (RFC 7871 section 7.2.1) makes a reply longer; the oracles do not know the option")
def _(case):
    full = case.full()
    return case.query.subnet and case.ours.tc and not case.theirs.tc and len(full.wire) > case.limit() \
        and len(full.wire) - 28 <= case.limit() \
        and (full.answer, full.authority) == (case.theirs.answer, case.theirs.authority)


def compare(case, used):
    """The fields that differ and that no rule excuses. `used` counts the rules that were needed."""
    for each in ADJUSTMENTS:
        if case.oracle in each.oracles and each.adjust(case):
            used[each.name] += 1
    differing = {field for field in FIELDS if getattr(case.ours, field) != getattr(case.theirs, field)}
    for each in RULES:
        excused = differing.intersection(each.fields)
        if case.oracle in each.oracles and excused and each.holds(case):
            used[each.name] += 1
            differing -= excused
    return sorted(differing)
