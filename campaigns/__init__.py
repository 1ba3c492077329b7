# SPDX-License-Identifier: GPL-3.0-or-later
"""Long tests that a person starts: fuzz, soak, chaos. Bounded by `--minutes`; CI runs none.

Each is a module, `python -m campaigns.NAME --minutes N`, and fails with the evidence. What it
counted goes into `docs/benchmarks/reliability.md`. They use what the tests use, so `tests` must be
on the path.
"""
