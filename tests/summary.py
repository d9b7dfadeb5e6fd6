#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts what the tests did, one by one, and names every failure and every skip with its reason.

Reads reports/LABEL/ctest.xml (written by `ctest --output-junit`). A CTest entry that wraps a whole file of tests is
replaced by the tests inside it, found in this order:
  - reports/NAME.xml, a JUnit file that pytest wrote for the entry NAME;
  - TAP in the entry's output (bats);
  - GoogleTest's own lines in the entry's output.
An entry that failed while every test inside it passed still counts as one failure: something around them broke.
Exit status: 0 when nothing failed and something passed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import NamedTuple

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Outcome(NamedTuple):
    name: str
    state: str
    reason: str = ""


def from_tap(text):
    """The tests of a bats run. Every test of the plan that has no line of its own is a failure."""
    plan = re.search(r"^1\.\.(\d+)\r?$", text, re.MULTILINE)
    if not plan:
        return []
    outcomes = []
    for match in re.finditer(r"^(not )?ok \d+ (.*?)(?: # skip ?(.*?))?(?: in \d+m?s(?:ec)?)?\r?$", text, re.MULTILINE):
        bad, title, skip = match.groups()
        if skip is not None:
            outcomes.append(Outcome(title, SKIPPED, skip or "no reason given"))
        else:
            outcomes.append(Outcome(title, FAILED if bad else PASSED))
    for number in range(len(outcomes) + 1, int(plan.group(1)) + 1):
        outcomes.append(Outcome(f"test {number}", FAILED, "planned, but it never ran"))
    return outcomes


def from_gtest(text):
    outcomes = []
    for match in re.finditer(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\S+)(?:, where [^(]*)? \(\d+ ms\)", text, re.MULTILINE):
        word, name = match.groups()
        state = {"OK": PASSED, "FAILED": FAILED, "SKIPPED": SKIPPED}[word]
        outcomes.append(Outcome(name, state, skip_reason(text) if state == SKIPPED else ""))
    return outcomes


def skip_reason(text):
    """The first line that a program which skipped wrote about it: "skip: REASON", or what follows GTEST_SKIP's mark."""
    match = re.search(r"^\s*skip(?:ped|ping)?:\s*(.+)$", text, re.MULTILINE | re.IGNORECASE)
    if not match:
        match = re.search(r"^\S+:\d+: Skipped\n(.+)$", text, re.MULTILINE)
    return match.group(1).strip() if match else "no reason given"


def from_junit_case(case):
    """One <testcase> of CTest or pytest. CTest says `status`, pytest has a child element."""
    name = case.get("name", "?")
    if case.get("classname") not in (None, name, ""):
        name = f"{case.get('classname').rsplit('.', 1)[-1]}: {name}"
    skipped = case.find("skipped")
    message = skipped.get("message", "") if skipped is not None else ""
    if message.startswith(("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")) or case.get("status") == "disabled":
        return Outcome(name, SKIPPED, skip_reason(case.findtext("system-out", "")))
    if case.get("status") == "notrun":
        # CTest says "not run" too of a test whose program it could not find. Nobody meant that to be a skip.
        return Outcome(name, FAILED, message or "could not be run")
    if skipped is not None:
        return Outcome(name, SKIPPED, message.split("\n")[0] or "no reason given")
    for kind in ("failure", "error"):
        if case.find(kind) is not None:
            return Outcome(name, FAILED, (case.find(kind).get("message") or "").split("\n")[0])
    return Outcome(name, FAILED if case.get("status") == "fail" else PASSED)


def inside(case, reports):
    """The tests wrapped by this CTest entry, or []."""
    own = reports / f"{case.get('name')}.xml"
    if own.exists():
        return [from_junit_case(inner) for inner in ElementTree.parse(own).getroot().iter("testcase")]
    text = case.findtext("system-out", "")
    return from_tap(text) or from_gtest(text)


def outcomes_of(report, reports):
    result = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        whole = from_junit_case(case)
        inner = inside(case, reports)
        result += inner or [whole]
        if inner and whole.state == FAILED and not any(one.state == FAILED for one in inner):
            result.append(Outcome(whole.name, FAILED, "it failed, though every test inside it passed"))
    return result


def main(directory):
    reports = Path(directory)
    total, details = Counter(), {FAILED: [], SKIPPED: []}
    print(f"\n{'':12}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for report in sorted(reports.glob("*/ctest.xml"), key=lambda path: path.stat().st_mtime):
        label, count = report.parent.name, Counter()
        for outcome in outcomes_of(report, reports):
            count[outcome.state] += 1
            if outcome.state in details:
                details[outcome.state].append(": ".join(filter(None, (label, outcome.name, outcome.reason))))
        print(f"{label:12}{count[PASSED]:8}{count[FAILED]:8}{count[SKIPPED]:9}" + ("" if count else "   no tests"))
        total += count
    for state in (SKIPPED, FAILED):
        if details[state]:
            print(f"\n{state.upper()}:")
            print("\n".join(f"  {line}" for line in details[state]))
    print(f"\n{total[PASSED]} passed, {total[FAILED]} failed, {total[SKIPPED]} skipped")
    return 0 if total[PASSED] and not total[FAILED] else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: summary.py REPORTS-DIRECTORY")
    sys.exit(main(sys.argv[1]))
