# SPDX-License-Identifier: Apache-2.0
"""How long tests wait for what has to come: one limit for all of them.

A wait ends with the event, so a generous limit costs nothing while things work. On a machine that is slower still,
POSTERN_TEST_PATIENCE multiplies it.
"""
import os
import time

SECONDS = 60 * float(os.environ.get("POSTERN_TEST_PATIENCE", "1"))
PAUSE_SECONDS = 0.05


def until(condition, what="nothing happened", seconds=SECONDS):
    """Waits until the condition gives something true, and returns it; fails with `what`, a text or a function of none."""
    give_up = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < give_up, what() if callable(what) else what
        time.sleep(PAUSE_SECONDS)
    return value
