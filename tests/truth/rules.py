# SPDX-License-Identifier: Apache-2.0
"""Which cases prove which rule: rules.json, a list of [rule, what it says, pattern, least number of cases].

The pattern is a regular expression, looked for in the words of a case: its name, what is expected, what is said.
"""
import json
import re
from pathlib import Path

RULES = Path(__file__).resolve().parent / "rules.json"


def words(case):
    return f"{case['name']} -> {json.dumps(case['expect'])} {case.get('says', '')} {case.get('log', '')}"


def covered(cases):
    """Yields (rule, what it says, how many cases, how many there have to be)."""
    texts = [words(case) for case in cases]
    for rule, says, pattern, least in json.loads(RULES.read_text()):
        found = re.compile(pattern)
        yield rule, says, sum(bool(found.search(text)) for text in texts), least


def lacking(cases):
    """A line for each rule that fewer cases prove than there were."""
    return [f"rule {rule}, {says}: {count} cases, there have to be {least}"
            for rule, says, count, least in covered(cases) if count < least]
