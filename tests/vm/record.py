#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records a real session of `gdbdebug vm` as an animated SVG, for the README: ./dev record [FILE.svg].

The program runs in a pseudo-terminal, python3-pyte keeps the screen, and each change of it becomes a frame. Pauses of
the machine are shortened to PAUSE; the text is what came, with the paths of this machine's image and kernel shortened.
Beside FILE.svg a still picture of the screen before the detach is written, FILE-still.svg."""

import argparse
import html
import os
import pty
import re
import select
import shlex
import sys
import time
from pathlib import Path

from harness import BUILD, kernel
from harness.image import SYSTEMD_MODULES, dracut_image
from harness.machine import accelerator

COLUMNS, LINES = 110, 30
PROMPT = "(gdb) "
PAUSE = 1.2  # seconds: the longest pause that is shown
LIMIT = 240  # seconds: for one answer of the debugger
SESSION = ("backtrace", "set breakpoint pending on", "tbreak mount", "continue", "backtrace 4", "detach", "quit")
CELL, ROW, MARGIN = 8.0, 17, 12  # of the picture, in pixels
COLOURS = {"default": "#d0d4da", "red": "#f07178", "green": "#a5d66d", "brown": "#ffcb6b", "blue": "#82aaff",
           "magenta": "#c792ea", "cyan": "#7fdbca", "white": "#ffffff", "black": "#5c6370"}


class Recording:
    """The frames: (seconds, lines), and a line is a tuple of (text, colour, bold) runs."""

    def __init__(self):
        import pyte  # only this verb needs it
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.Stream(self.screen)
        self.frames = []
        self.clock = 0.0
        self.last = time.monotonic()
        self.shorten = []

    def feed(self, text, pause=None):
        """`pause`: how long the frame before it is seen, instead of the time that has passed."""
        now = time.monotonic()
        self.clock += min(now - self.last, PAUSE) if pause is None else pause
        self.last = now
        for long, short in self.shorten:
            text = re.sub(long, short, text)
        self.stream.feed(text)
        self.snapshot()

    def snapshot(self):
        lines = []
        for row in range(LINES):
            runs, cells = [], self.screen.buffer[row]
            for column in range(COLUMNS):
                cell = cells[column]
                style = (cell.fg if cell.fg in COLOURS else "default", cell.bold)
                if runs and runs[-1][1:] == style:
                    runs[-1] = (runs[-1][0] + cell.data, *style)
                else:
                    runs.append((cell.data, *style))
            while runs and not runs[-1][0].strip():
                runs.pop()
            if runs:
                runs[-1] = (runs[-1][0].rstrip(), *runs[-1][1:])
            lines.append(tuple(runs))
        if not self.frames or self.frames[-1][1] != lines:
            self.frames.append((self.clock, lines))

    def type(self, prompt, text):
        self.feed(prompt, 0.3)
        for letter in text:
            self.feed(letter, 0.04)
        self.feed("\r\n", 0.3)


def drawn(line, row):
    """One line of text as an SVG element."""
    out, column = [], 0
    for text, colour, bold in line:
        if text.strip():
            weight = ' font-weight="bold"' if bold else ""
            out.append(f'<tspan x="{MARGIN + column * CELL:g}" fill="{COLOURS[colour]}"{weight}>'
                       f"{html.escape(text)}</tspan>")
        column += len(text)
    return f'<text y="{MARGIN + (row + 1) * ROW}">{"".join(out)}</text>' if out else ""


def picture(frames, length):
    """The SVG of these frames, over and over; of one frame a still."""
    width, height = COLUMNS * CELL + 2 * MARGIN, LINES * ROW + 2 * MARGIN + 4
    ids, definitions, body, style = {}, [], [], []
    for number, (begin, lines) in enumerate(frames):
        uses = []
        for row, line in enumerate(lines):
            text = drawn(line, row)
            if not text:
                continue
            if text not in ids:
                ids[text] = f"l{len(ids)}"
                definitions.append(text.replace("<text ", f'<text id="{ids[text]}" ', 1))
            uses.append(f'<use href="#{ids[text]}"/>')
        if len(frames) == 1:
            body.append("".join(uses))
            continue
        end = frames[number + 1][0] if number + 1 < len(frames) else length
        a, b = 100 * begin / length, 100 * end / length
        keys = f"0%{{opacity:{int(a == 0)}}}{a:.3f}%{{opacity:1}}{b:.3f}%{{opacity:0}}"
        style.append(f"@keyframes f{number}{{{keys}}}#f{number}{{animation-name:f{number}}}")
        body.append(f'<g id="f{number}">{"".join(uses)}</g>')
    style.insert(0, f"g{{opacity:0;animation-duration:{length:.2f}s;animation-timing-function:step-end;"
                    "animation-iteration-count:infinite}")
    return ("<!-- SPDX-License-Identifier: GPL-2.0-or-later. Made by ./dev record -->\n"
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" '
            f'height="{height}" font-family="ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="13" '
            'xml:space="preserve">\n'
            f"<style>text{{white-space:pre}}{''.join(style if len(frames) > 1 else [])}</style>\n"
            f'<rect width="100%" height="100%" rx="6" fill="#1b1e24"/>\n<defs>{"".join(definitions)}</defs>\n'
            + "\n".join(body) + "\n</svg>\n")


def await_prompt(descriptor, recording):
    """Feeds what comes until gdb's prompt stands alone at the end. False when the program has ended."""
    text, deadline = "", time.monotonic() + LIMIT
    while not re.search(r"\(gdb\) $", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)):
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            sys.exit(f"record: gdb's prompt did not come within {LIMIT} s; it printed\n{text}")
        try:
            chunk = os.read(descriptor, 4096).decode(errors="replace")
        except OSError:  # EIO: the other end is closed
            chunk = ""
        if not chunk:
            return False
        text += chunk
        recording.feed(chunk)
    return True


def main():
    parser = argparse.ArgumentParser(prog="./dev record", description="Records a session as an animated SVG.")
    parser.add_argument("file", nargs="?", type=Path, default=BUILD.parent.parent / "doc/session.svg")
    options = parser.parse_args()
    if os.environ.get("GDBDEBUG_ARGUMENTS_ONLY"):
        return 0
    version, image = kernel()
    if version is None:
        sys.exit(f"record: {image}")
    initrd = dracut_image(modules=SYSTEMD_MODULES)
    command = [str(BUILD / "client/gdbdebug"), "vm", "--kernel", str(image), "--initrd", str(initrd),
               "--accel", accelerator(), "--memory", "1G", "--main"]
    recording = Recording()
    recording.shorten = [(re.escape(str(initrd)), "initrd.img"), (re.escape(initrd.name), "initrd.img"),
                         (re.escape(str(image)), "/boot/vmlinuz"), (r"/[^ '\n]*/sysroots/[0-9a-f]+", "SYSROOT")]
    recording.type("$ ", "gdbdebug vm --kernel /boot/vmlinuz --initrd initrd.img --main")
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(LINES), "LC_ALL": "C.UTF-8"}
    child, descriptor = pty.fork()
    if child == 0:
        script = f"stty rows {LINES} cols {COLUMNS} -echo; exec {shlex.join(command)}"
        os.execvpe("sh", ["sh", "-c", script], environment)
    still, going = [], await_prompt(descriptor, recording)
    for words in SESSION:
        if not going:
            sys.exit("record: the session ended early:\n" + "\n".join(recording.screen.display))
        for letter in words:
            recording.feed(letter, 0.05)
        if words == "detach":
            still = recording.frames[-1][1]
        os.write(descriptor, words.encode() + b"\n")
        going = await_prompt(descriptor, recording)
    os.close(descriptor)
    os.waitpid(child, 0)
    options.file.parent.mkdir(parents=True, exist_ok=True)
    length = recording.clock + 4
    options.file.write_text(picture(recording.frames, length))
    still_file = options.file.with_name(options.file.stem + "-still.svg")
    still_file.write_text(picture([(0, still)], 1))
    size = options.file.stat().st_size // 1024
    print(f"{options.file}: {len(recording.frames)} frames, {length:.0f} s, {size} kB; {still_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
