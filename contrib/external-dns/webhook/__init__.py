# SPDX-License-Identifier: BSD-3-Clause
"""The parts of steerd-external-dns. Standard library only."""
