# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's result: rows of medians with their rounds, as Markdown, JSON and SVG, and against an older table."""

import json
import os
import platform
import shutil
import statistics
import subprocess
import traceback
from pathlib import Path


class Unavailable(Exception):
    """A part cannot be measured here; the text says what it lacks."""


class Table:
    def __init__(self, short=False):
        self.short = short  # the parts do as little as shows that they work
        self.rows = []
        self.skipped = []
        self.broken = []

    def run(self, name, measure, rounds):
        try:
            measure(self, rounds)
        except Unavailable as why:
            self.skipped.append(f"{name}: {why}")
        except Exception:  # noqa: BLE001  one broken part must not cost the others' numbers
            self.broken.append(f"{name}:\n{traceback.format_exc()}")

    def add(self, key, what, unit, values, other=None, other_name="", goal=None, goal_text=""):
        """One row. `values` are the rounds of ours, `other` those of what it is compared with. `goal(ours, other)`
        tells whether it is met."""
        ours = statistics.median(values)
        theirs = statistics.median(other) if other else None
        row = {"key": key, "what": what, "unit": unit, "ours": ours, "rounds": values, "other": theirs,
               "other rounds": other, "other name": other_name, "goal": goal_text,
               "met": None if goal is None else bool(goal(ours, theirs))}
        self.rows.append(row)
        print(f"   {what}: {self.number(ours)} {unit}" +
              (f"; {other_name}: {self.number(theirs)} {unit}" if other else ""), flush=True)

    @staticmethod
    def number(value):
        if value is None:
            return ""
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"

    @staticmethod
    def spread(values):
        return f"{Table.number(min(values))} to {Table.number(max(values))}, {len(values)}"

    def markdown(self):
        lines = ["| what | unit | ours (median) | range, rounds | compared with | theirs | goal | met |",
                 "| --- | --- | ---: | --- | --- | ---: | --- | --- |"]
        for row in self.rows:
            met = {None: "", True: "yes", False: "**no**"}[row["met"]]
            lines.append(f"| {row['what']} | {row['unit']} | {self.number(row['ours'])} | {self.spread(row['rounds'])} "
                         f"| {row['other name']} | {self.number(row['other'])} | {row['goal']} | {met} |")
        lines += ["", self.machine()]
        lines += [f"Not measured: {why}" for why in self.skipped]
        lines += [f"BROKEN: {why}" for why in self.broken]
        return "\n".join(lines) + "\n"

    @staticmethod
    def machine():
        from harness.machine import accelerator
        busy = os.getloadavg()[1]
        return (f"{os.cpu_count()} CPUs ({platform.machine()}), Linux {platform.release()}, QEMU with {accelerator()}; "
                f"load average of the last five minutes {busy:.1f} (more than 2 is this run's and other work).")

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.plot(folder)
        Path(folder, "table.md").write_text(self.markdown(), encoding="utf-8")
        content = {"machine": self.machine(), "rows": self.rows, "not measured": self.skipped}
        Path(folder, "numbers.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def plot(self, folder):
        """A bar chart of every row that is compared with something, each as a part of what it is compared with."""
        compared = [row for row in self.rows if row["other"]]
        if not compared:
            return
        if not shutil.which("gnuplot"):
            why = "plots: gnuplot is not installed"
            self.skipped += [] if why in self.skipped else [why]
            return
        lines = [f'"{row["what"].replace(chr(34), "")}" {row["ours"] / row["other"]}' for row in compared]
        script = f"""set terminal svg size 900,{120 + 60 * len(lines)} font 'sans,12'
set output '{folder}/compared.svg'
set title 'gdbdebug, as a part of what it is compared with (1 = the same)'
set style fill solid 0.8
set xrange [0:*]
set yrange [{len(lines)}:-1]
set grid x
$rows << END
{chr(10).join(lines)}
END
plot $rows using ($2/2):0:($2/2):(0.35):ytic(1) with boxxyerror notitle
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)

    def comparison(self, path):
        """Ratios of this run to an older one: 1.00 is the same, more is worse (or larger)."""
        if not path.exists():
            return f"There is no {path.name} to compare with; --keep makes one.\n"
        old = {row["key"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
        lines = ["| what | unit | before | now | ratio |", "| --- | --- | ---: | ---: | ---: |"]
        for row in self.rows:
            before = old.get(row["key"], {}).get("ours")
            ratio = f"{row['ours'] / before:.2f}" if before else "new"
            numbers = f"{self.number(before)} | {self.number(row['ours'])} | {ratio}"
            lines.append(f"| {row['what']} | {row['unit']} | {numbers} |")
        return "\n".join(lines) + "\n"

    def status(self):
        if self.broken or not self.rows:
            return 2
        return 1 if not self.short and any(row["met"] is False for row in self.rows) else 0
