# SPDX-License-Identifier: GPL-2.0-or-later
"""A core in a log that has been through a serial line: `gdbdebug report` shows the whole backtrace although lines were
lost, doubled, reordered, cut, or mixed with others' text. The log is that of the real helper, as in test_ends.py, and a
real gdb reads the core. The damage is the same in each run."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_ends import BUILD, Boot, load_matrix, pytestmark as needed, until

COMMAND = BUILD / "client" / "gdbdebug"
SOURCES = Path(__file__).resolve().parents[1] / "vm"
pytestmark = [*needed, pytest.mark.skipif(not (COMMAND.exists() and shutil.which("cc")),
                                          reason="no host command, or no C compiler")]
TRIALS = 20
OTHERS = (b"[    9.876543] usb 1-1: new high-speed USB device number 2 using xhci_hcd", b"         Starting udev...",
          b"\x1b[0;32m  OK  \x1b[0m] Reached target basic.target")


class Death(Boot):
    """A boot whose real init is death.c, which dies as its argument says."""

    def __init__(self, folder, how):
        self.log_path = folder / "log"
        self.log_path.touch()
        self.matrix = load_matrix().Matrix(BUILD, folder, 3600)
        self.root = self.matrix.root
        self.path = folder / "line"
        build(self.root)
        self.start(["--socket", str(self.path), "--log", str(self.log_path), "--word", how, "--command-line",
                    "quiet rd.gdbdebug=ttyFAULT,crash,exit,core"])

    def console(self):
        """What a serial console would have shown: [line], with times and carriage returns."""
        until("the core's end", lambda: re.search(r"core: \w{8} end .*\n", self.log_path.read_text()))
        lines = [line for line in self.log_path.read_text().splitlines() if "gdbdebug: " in line]
        return [f"[{number / 100:12.6f}] {re.sub('^<[0-9]>', '', line)}\r\n".encode()
                for number, line in enumerate(lines, 300)]


def build(root, *options):
    """death.c and its library, where the real init is."""
    folder = root / "usr/lib/death"
    folder.mkdir(parents=True)
    program = root / "usr/lib/gdbdebug/init"
    program.unlink()
    compiler = ["cc", "-g", "-O1", "-Wl,--build-id=sha1", *options]
    for words in (["-fPIC", "-shared", "-o", folder / "libdeath.so", SOURCES / "death_library.c"],
                  ["-fPIE", "-pie", "-pthread", "-o", program, SOURCES / "death.c", f"-L{folder}", "-ldeath",
                   "-Wl,-rpath,/usr/lib/death"]):
        subprocess.run([*compiler, *words], check=True)


@pytest.fixture(scope="module", name="death")
def crashed(tmp_path_factory):
    """(the console's lines, the image's files, the core whole, the frames whole)."""
    folder = tmp_path_factory.mktemp("death")
    boot = Death(folder, "library")
    try:
        lines = boot.console()
    finally:
        boot.close()
    status, found, core = read(folder, lines, boot.root)
    assert status == 0, found
    frames = backtrace(found)
    assert [name for name in ("give_up", "check_unit", "start", "main") if name not in " ".join(frames)] == [], frames
    return lines, boot.root, core, frames


def run(folder, lines, *words):
    log = folder / "console.log"
    log.write_bytes(b"".join(lines))
    return subprocess.run([COMMAND, "report", log, "--json", *map(str, words)], capture_output=True, text=True,
                          timeout=120, check=False)


def read(folder, lines, root):
    """(status, what `gdbdebug report --json` says, the core file)."""
    core = folder / "core"
    done = run(folder, lines, "--core", core, "--sysroot", root)
    assert done.returncode in (0, 5), done.stderr
    return done.returncode, json.loads(done.stdout), core.read_bytes()


def backtrace(found):
    cores = [one["core"] for one in found["reports"] + found["cores"] if "core" in one]
    return [line for line in cores[0]["backtrace"] if line.startswith("#")] if len(cores) == 1 else []


# ---- what happens to a line ----


def lose(_line, _dice):
    return []


def double(line, _dice):
    return [line, line]


def cut(line, dice):
    return [line[:dice.randrange(len(line) - 2)] + b"\r\n"]


def mix(line, dice):
    at, text = dice.randrange(len(line) - 2), dice.choice(OTHERS)
    return [line[:at], *dice.choice(([b"\r\n", text, b"\r\n"], [text, b"\r\n"], [text])), line[at:]]


def change(line, dice):
    at = dice.randrange(len(line) - 2)
    return [line[:at] + bytes([line[at] ^ 1 << dice.randrange(7)]) + line[at + 1:]]


def damaged(lines, happens, share, dice, half=None):
    """The log after so many of its lines, or of those in one half of it, were damaged; at least one was."""
    middle = len(lines) // 2
    places = range(len(lines)) if half is None else range(middle) if half == "first" else range(middle, len(lines))
    hit = set(dice.sample(places, max(1, round(len(lines) * share / 100))))
    if happens is reorder:
        return reorder(lines, hit, dice)
    return [part for place, line in enumerate(lines) for part in (happens(line, dice) if place in hit else [line])]


def reorder(lines, hit, dice):
    """Each comes up to three lines later."""
    order = [place + (dice.randint(1, 3) + 0.5 if place in hit else 0) for place in range(len(lines))]
    return [lines[place] for place in sorted(range(len(lines)), key=lambda place: order[place])]


def is_whole(folder, lines, death):
    _, root, core, frames = death
    file = folder / "core"
    file.unlink(missing_ok=True)
    done = run(folder, lines, "--core", file)
    if file.exists() and file.read_bytes() == core:
        return True  # the same core has the same backtrace
    if not file.exists():
        print(done.stdout, done.stderr)
        return False
    _, found, _ = read(folder, lines, root)
    if backtrace(found) != frames:
        print(found)
    return backtrace(found) == frames


DAMAGES = [lose, double, reorder, cut, mix, change]
ROWS = [(happens, share, None) for happens in DAMAGES for share in (1, 3, 10)]
ROWS += [(happens, 10, half) for happens in (lose, mix) for half in ("first", "second")]


@pytest.mark.parametrize("happens, share, half", ROWS,
                         ids=[f"{row[0].__name__}-{row[1]}%-{row[2] or 'all'}" for row in ROWS])
def test_the_backtrace_survives_what_happens_to_lines(death, tmp_path, happens, share, half):
    dice = random.Random(f"{happens.__name__} {share} {half}")
    count = sum(is_whole(tmp_path, damaged(death[0], happens, share, dice, half), death) for _ in range(TRIALS))
    print(f"{happens.__name__} {share} % {half}: {count} of {TRIALS}")
    assert count >= (TRIALS if happens in (double, reorder) else 19 if share <= 3 else 17)


@pytest.mark.parametrize("happens", [double, reorder], ids=lambda happens: happens.__name__)
def test_nothing_is_missing_where_no_line_is(death, tmp_path, happens):
    dice = random.Random(20)
    for _ in range(5):
        done = run(tmp_path, damaged(death[0], happens, 30, dice))
        assert done.returncode == 0, done.stdout


def test_the_image_of_another_machine_is_named_by_its_build_ids_and_not_used(death, tmp_path):
    lines, root, _, _ = death
    other = tmp_path / "other"
    shutil.copytree(root, other, symlinks=True)
    shutil.rmtree(other / "usr/lib/death")
    build(other, "-DANOTHER", "-O0")
    found = json.loads(run(tmp_path, lines, "--sysroot", other).stdout)
    notes = "\n".join(found["reports"][0]["core"]["notes"])
    for name in ("/usr/lib/gdbdebug/init", "/usr/lib/death/libdeath.so"):
        assert re.search(rf"{name}: another one in the image, so it is not used: build ID \w{{40}} there, "
                         r"\w{40} in the core", notes), notes
    assert "the program is not in the image, so no backtrace can be made" in notes
    assert backtrace(found) == []
