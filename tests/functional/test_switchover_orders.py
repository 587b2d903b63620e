# SPDX-License-Identifier: BSD-3-Clause
"""Each verb in each state of a switchover: what leads on is done, and what does not is a 409 that names what does, in words for
people and as an array for programs; the same that the switchover itself shows."""
from test_switchover import act, begin, scene, shown_allowed, start, verify  # noqa: F401  pylint: disable=unused-import

VERBS = ("execute", "verify", "commit", "rollback", "reprotect", "failback", "cancel", "close", "resume", "redirect")


def refuse_all_others(server, made, state):
    """Returns what leads on."""
    allowed = shown_allowed(server, made, state)
    for verb in VERBS:
        if verb not in allowed:
            body = {"to": "eu-west", "reason": "x"} if verb == "redirect" else {}
            refused = act(server, made, verb, 409, **body)
            assert refused["type"] == "urn:steerd:problem:conflict" and refused["allowed"] == allowed, (state, verb, refused)
            assert all(each in refused["detail"] for each in allowed)
    assert shown_allowed(server, made, state) == allowed, "nothing was done"
    return allowed


def test_each_verb_in_each_state(scene):  # noqa: F811
    server = start(scene)
    made = begin(server)
    assert refuse_all_others(server, made, "planned") == ["execute", "cancel"]
    act(server, made, "execute")
    assert refuse_all_others(server, made, "moved") == ["verify", "rollback", "redirect"]
    verify(server, made)
    assert refuse_all_others(server, made, "verified") == ["verify", "commit", "rollback", "redirect"]
    act(server, made, "commit")
    assert refuse_all_others(server, made, "unprotected") == ["reprotect", "close"]
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    assert refuse_all_others(server, made, "protected") == ["failback", "close"]
    act(server, made, "failback")
    assert refuse_all_others(server, made, "returned") == ["verify", "rollback"]
    verify(server, made)
    assert refuse_all_others(server, made, "return_verified") == ["verify", "commit", "rollback"]
    act(server, made, "commit")
    assert refuse_all_others(server, made, "closed") == []
    slow = begin(server, steps=[5], each="1h", execute=True)
    assert refuse_all_others(server, slow, "moving") == ["rollback", "redirect"]
    act(server, slow, "rollback")
    assert refuse_all_others(server, slow, "rolled_back") == []
    planned = begin(server)
    act(server, planned, "cancel")
    assert refuse_all_others(server, planned, "cancelled") == []
