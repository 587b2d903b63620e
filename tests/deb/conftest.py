# SPDX-License-Identifier: BSD-3-Clause
"""Packages are made once for all tests of them. DEBS is a folder of packages that are made already."""
import os
import pathlib

import pytest
from debkit import BUILD, MISSING, TOP, read_field, run


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skipif(os.geteuid() != 0, reason="needs root"))
        item.add_marker(pytest.mark.skipif(bool(MISSING), reason=f"there is no {', '.join(MISSING)} (contrib/packages deb)"))


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """What `make dist` packs."""
    folder = tmp_path_factory.mktemp("source") / "steerd"
    run("make", "-s", "-C", BUILD, "distdir", f"distdir={folder}")
    return folder


@pytest.fixture(scope="session")
def debs(source, tmp_path_factory):
    folder = pathlib.Path(os.environ.get("DEBS") or tmp_path_factory.mktemp("debs"))
    if "DEBS" not in os.environ:
        run(TOP / "contrib/make-deb", source, folder)
    return {read_field(path, "Package"): path for path in folder.glob("*.deb")}
