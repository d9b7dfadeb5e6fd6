# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of tests/summary.py: what it counts decides whether a run passes."""

import importlib.util
import io
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

spec = importlib.util.spec_from_file_location("summary", Path(__file__).parents[1] / "summary.py")
summary = importlib.util.module_from_spec(spec)
spec.loader.exec_module(summary)


def ctest(*cases):
    return "<testsuite>" + "".join(cases) + "</testsuite>"


def case(name, status="run", output="", inner=""):
    return (f'<testcase name="{name}" classname="{name}" status="{status}">{inner}'
            f"<system-out>{output}</system-out></testcase>")


class Summary(unittest.TestCase):
    def of(self, report, **others):
        """(exit status, what is printed) for a ctest.xml and other files in the reports folder."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "bats").mkdir()
            (Path(folder) / "bats" / "ctest.xml").write_text(report)
            for name, text in others.items():
                (Path(folder) / f"{name}.xml").write_text(text)
            out = io.StringIO()
            with redirect_stdout(out):
                status = summary.main(folder)
        return status, out.getvalue()

    def last_line(self, *arguments, **others):
        return self.of(*arguments, **others)[1].splitlines()[-1]

    def test_each_test_of_a_bats_file_counts(self):
        tap = "1..3\nok 1 one\nnot ok 2 two\n# because\nok 3 three # skip no dracut here\n"
        status, text = self.of(ctest(case("file", "fail", tap)))
        self.assertEqual(text.splitlines()[-1], "1 passed, 1 failed, 1 skipped")
        self.assertIn("three: no dracut here", text)
        self.assertIn("bats: two", text)
        self.assertEqual(status, 1)

    def test_a_bats_file_that_broke_off_counts_what_never_ran_as_failed(self):
        self.assertEqual(self.last_line(ctest(case("file", "fail", "1..3\nok 1 one\n"))),
                         "1 passed, 2 failed, 0 skipped")

    def test_a_failed_file_whose_tests_all_passed_is_a_failure(self):
        self.assertEqual(self.last_line(ctest(case("file", "fail", "1..1\nok 1 one\n"))),
                         "1 passed, 1 failed, 0 skipped")

    def test_pytest_s_own_report_goes_before_the_entry(self):
        inner = ('<testsuites><testsuite><testcase classname="test_x" name="a"/><testcase classname="test_x" name="b">'
                 '<skipped message="no KVM"/></testcase><testcase classname="test_x" name="c"><failure message="bad"/>'
                 "</testcase></testsuite></testsuites>")
        status, text = self.of(ctest(case("x", "fail")), x=inner)
        self.assertEqual(text.splitlines()[-1], "1 passed, 1 failed, 1 skipped")
        self.assertIn("test_x: b: no KVM", text)
        self.assertEqual(status, 1)

    def test_googletest_lines_are_counted(self):
        lines = "[       OK ] A.b (0 ms)\n[  FAILED  ] A.c (1 ms)\n[  SKIPPED ] A.d (0 ms)\n[  FAILED  ] A.c\n"
        self.assertEqual(self.last_line(ctest(case("unit", "fail", lines))), "1 passed, 1 failed, 1 skipped")

    def test_a_skip_by_return_code_has_the_reason_that_was_printed(self):
        skipped = case("lint", "notrun", "skip: no shellcheck", '<skipped message="SKIP_RETURN_CODE=77"/>')
        text = self.of(ctest(skipped))[1]
        self.assertIn("lint: no shellcheck", text)
        self.assertEqual(text.splitlines()[-1], "0 passed, 0 failed, 1 skipped")

    def test_a_program_that_is_not_there_is_a_failure_not_a_skip(self):
        missing = case("gone", "notrun", "", '<skipped message="Unable to find executable"/>')
        self.assertEqual(self.last_line(ctest(missing)), "0 passed, 1 failed, 0 skipped")

    def test_nothing_at_all_does_not_pass(self):
        self.assertEqual(self.of(ctest())[0], 1)


if __name__ == "__main__":
    unittest.main()
