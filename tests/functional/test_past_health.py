# SPDX-License-Identifier: BSD-3-Clause
"""What held at a past moment is written down: segments of health in the state folder, whatever ends the server."""
import contextlib
import datetime
import time

import pytest

import kit
from test_last_health import look, metric, small_disk, wait_kept, wait_state
from takeovers import reaper, take_over

__all__ = ["reaper", "small_disk"]  # fixtures


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west; each a region of one endpoint."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["start_wait"] = "0s"
    return site


def segments(site):
    """Their names, as numbers, and sizes."""
    return {int(path.stem): path.stat().st_size for path in (site.folder / "var/health").glob("*.trail")}


def newest(site):
    found = segments(site)
    return max(found)


def start(site):
    site.web(*site.us), site.web(*site.eu)
    server = site.start()
    wait_state(server, "healthy"), wait_state(server, "healthy", "web-eu-west-1a")
    wait_kept(site, server)
    return server


def test_a_segment_grows_with_what_happens(scene):
    server = start(scene)
    (name, before), = segments(scene).items()
    assert abs(name / 1000 - time.time()) < 60
    scene.webs[0].kill()
    wait_state(server, "unhealthy")
    wait_kept(scene, server)
    (same, after), = segments(scene).items()
    assert same == name and after > before


def test_a_reload_that_changes_no_object_goes_on(scene):
    """And one that does begins another."""
    server = start(scene)
    first = newest(scene)
    files = metric(server, "steerd_last_health_files_total")
    assert server.reload().status == 200
    server.wait(lambda: metric(server, "steerd_last_health_files_total") > files, "the file is begun anew")
    assert list(segments(scene)) == [first]
    scene.topology["endpoints"]["another"] = {"az": "us-east-1a", "addresses": ["192.0.2.1"]}
    scene.write()
    assert server.reload().status == 200
    server.wait(lambda: len(segments(scene)) == 2, "another segment")


def test_the_next_process_goes_on(scene):
    """However the one before ended; with other objects it begins another segment, and tidies up."""
    server = start(scene)
    first = newest(scene)
    for end in server.stop, server.kill:
        wait_kept(scene, server)
        end()
        before = segments(scene)[first]
        server.start()
        wait_kept(scene, server)
        assert list(segments(scene)) == [first] and segments(scene)[first] > before
    server.kill()
    left = scene.folder / "var/health/1.trail.new"
    left.write_bytes(b"of a process that was killed")
    scene.topology["endpoints"]["another"] = {"az": "us-east-1a", "addresses": ["192.0.2.1"]}
    scene.write()
    server.start()
    server.wait(lambda: len(segments(scene)) == 2, "another segment")
    assert not left.exists()


def test_a_folder_that_cannot_be_written(scene):
    """Said once; everything else goes on, last health included."""
    (scene.folder / "var").mkdir(exist_ok=True)
    (scene.folder / "var/health").write_bytes(b"a file")
    server = start(scene)
    assert server.read_log().count("past health not kept") == 1
    assert metric(server, "steerd_past_health_up") == 0
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    wait_kept(scene, server)
    assert look(server)["effective"] == "unhealthy"
    (scene.folder / "var/health").unlink()
    server.wait_log("past health kept")
    assert len(segments(scene)) == 1
    assert metric(server, "steerd_past_health_up") == 1
    assert server.read_log().count("past health not kept") == 1


def add_ms(time_text, step):
    """To a time of the API."""
    at = datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")) + datetime.timedelta(milliseconds=step)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now():
    return add_ms(datetime.datetime.now(datetime.timezone.utc).isoformat(), 0)


def explain(server, at):
    """Addresses, and what is said of the moment."""
    found = server.get(f"/v1/explain?name=www.example.com&at={at}")
    return [answer.split()[-1] for answer in found["answers"]], str(found["at"])


def begin_journal(server):
    server.override("az", "eu-west-1a", "up"), server.override("az", "eu-west-1a", "auto")


def test_a_flip_is_found_at_its_own_time(scene):
    """To the millisecond, which what is written behind it does not have."""
    server = start(scene)
    begin_journal(server)
    scene.webs[0].kill()
    since = wait_state(server, "unhealthy")["since"]
    wait_kept(scene, server)
    assert explain(server, since)[0] == scene.eu
    assert explain(server, add_ms(since, -1))[0] == scene.us
    us = scene.web(*scene.us)
    back = wait_state(server, "healthy")["since"]
    wait_kept(scene, server)
    us.kill()
    server.wait_answers("www.example.com", scene.eu)
    assert explain(server, back)[0] == scene.us
    assert explain(server, add_ms(back, -1))[0] == scene.eu


def test_where_nobody_ran_is_told(scene):
    server = start(scene)
    begin_journal(server)
    wait_kept(scene, server)
    server.kill()
    scene.webs[0].kill()
    time.sleep(4)
    gap = now()
    server.start()
    server.wait_answers("www.example.com", scene.eu)
    wait_kept(scene, server)
    answers, said = explain(server, gap)
    assert answers == scene.us and "no steerd ran between" in said
    answers, said = explain(server, now())
    assert answers == scene.eu and "no steerd ran" not in said
    assert len(segments(scene)) == 1


def test_a_takeover_is_no_gap(scene):
    server = start(scene)
    begin_journal(server)
    wait_kept(scene, server)
    before = now()
    take_over(server)
    after = now()
    server.wait(lambda: len(segments(scene)) == 2, "a segment of its own")
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    wait_kept(scene, server)
    for moment in before, after:
        answers, said = explain(server, moment)
        assert answers == scene.us and "no steerd" not in said
    found = look(server)
    assert explain(server, found["since"])[0] == scene.eu


def test_a_full_disk(small_disk, scene):
    """What could not be written is a gap; the rest is there."""
    server = start(scene)
    begin_journal(server)
    wait_kept(scene, server)
    before = now()
    filler = small_disk / "filler"
    for size in 4096, 1:
        with contextlib.suppress(OSError), open(filler, "ab", buffering=0) as stream:
            while True:
                stream.write(bytes(size))
    scene.webs[0].kill()
    server.wait_answers("www.example.com", scene.eu)
    filler.unlink()
    wait_kept(scene, server)
    assert explain(server, before)[0] == scene.us
    assert explain(server, now())[0] == scene.eu


def put_old(site, name, size=0):
    path = site.folder / f"var/health/{name}.trail"
    path.write_bytes(bytes(size))
    return path


def test_what_is_older_than_the_oldest_point_goes(scene):
    """At a look for points, which each start is. What reaches into the last hour stays."""
    server = start(scene)
    server.stop()
    ended, reaches = put_old(scene, 1000), put_old(scene, 2000)
    server.start()
    server.wait(lambda: not ended.exists(), "it has gone")
    server.wait(lambda: metric(server, "steerd_past_health_removed_total") == 1, "it is counted")
    assert reaches.exists()


def test_without_points_nothing_goes_for_its_age_but_for_its_size(scene):
    scene.server["points"] = {"every": "0s"}
    server = start(scene)
    server.stop()
    old = [put_old(scene, name, 600000) for name in (1000, 2000)]
    server.start()
    wait_kept(scene, server)
    assert all(path.exists() for path in old)
    scene.server["points"] |= {"health_size": "1MiB"}
    scene.write()
    assert server.reload().status == 200
    server.wait(lambda: not old[0].exists(), "the oldest has gone")
    assert old[1].exists()
