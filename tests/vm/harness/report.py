# SPDX-License-Identifier: GPL-2.0-or-later
"""The message and the report of a PID 1 that is held at its end, read as gdbdebug(7) writes them down and not a bit
more generously."""

import re

KERNEL_PREFIX = r"(?:<\d+>)?(?:\[ *\d+\.\d+\] )?"
MESSAGE = (r"gdbdebug: PID 1 \((?P<comm>[^)]*)\) is held(?: before it would die)?: (?P<why>.*?), in (?P<place>.*?); "
           r"(?:a debugger is connected to|connect a debugger to) (?P<line>.*?)"
           r"(?:, the machine waits| within (?P<seconds>\d+) seconds)?\r?$")
HEX = r"0x[0-9a-f]+"
KEYWORDS = ("begin", "command", "register", "frame", "map", "end")


class Malformed(AssertionError):
    """A report that is not what the manual promises."""


def unescape(value):
    """`\\xHH` is the byte with that number."""
    if re.search(r"[^\x21-\x7e]|\\(?!x[0-9a-f]{2})", value):
        raise Malformed(f"expected: printable characters and \\xHH in a value\ngot: {value!r}")
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match.group(1), 16)), value)


def pairs_of(words):
    result = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[a-z0-9_]+", key) or key in result:
            raise Malformed(f"expected: key=value, each key once\ngot: {' '.join(words)}")
        result[key] = unescape(value)
    return result


def number(text):
    if not re.fullmatch(HEX, text):
        raise Malformed(f"expected: a number such as 0x1f\ngot: {text!r}")
    return int(text, 16)


def read_message(text):
    """The one line for a person; a dictionary of its parts."""
    found = re.findall(KERNEL_PREFIX + MESSAGE, text, re.MULTILINE)
    if len(found) != 1:
        raise Malformed(f"expected: one message that PID 1 is held\ngot: {len(found)} in\n{text[-3000:]}")
    return re.search(MESSAGE, text, re.MULTILINE).groupdict()


def read_report(text):
    """The last report in a console's text: {"begin": pairs, "command": [...], "registers": {...}, "frames": [...],
    "maps": [...]}. Fails unless it is complete."""
    lines = re.findall(r"gdbdebug: report: (.*?)\r?$", text, re.MULTILINE)
    starts = [at for at, line in enumerate(lines) if line.startswith("begin ")]
    if not starts:
        raise Malformed(f"expected: a report\ngot: none in\n{text[-3000:]}")
    lines = lines[starts[-1]:]
    report = {"command": None, "registers": {}, "frames": [], "maps": []}
    for at, line in enumerate(lines):
        keyword, *words = line.split(" ")
        if keyword not in KEYWORDS or (keyword == "begin") != (at == 0) or (keyword == "end") != (at == len(lines) - 1):
            raise Malformed(f"expected: begin, command, register, frame, map, end\ngot: {lines}")
        if keyword in ("begin", "end"):
            report[keyword] = pairs_of(words)
        elif keyword == "command":
            report["command"] = [unescape(word) for word in words]
        elif keyword == "register":
            report["registers"].update({name: number(value) for name, value in pairs_of(words).items()})
        elif keyword == "frame":
            frame = pairs_of(words[1:])
            if int(words[0]) != len(report["frames"]) or ("by" in frame) != (int(words[0]) > 0):
                raise Malformed(f"expected: frame {len(report['frames'])}\ngot: {line}")
            frame["times"] = int(frame.get("times", 1))
            frame.update({key: number(frame[key]) for key in ("address", "offset") if key in frame})
            report["frames"].append(frame)
        else:
            begin, end = (number(word) for word in words[0].split("-"))
            one = pairs_of(words[1:])
            report["maps"].append({**one, "begin": begin, "end": end, "offset": number(one["offset"])})
    end = {key: int(value) for key, value in report["end"].items()}
    there = {"frames": len(report["frames"]), "maps": len(report["maps"])}
    if not there.items() <= end.items() or end.keys() - there.keys() - {"unread"} != {"omitted"}:
        raise Malformed(f"expected: {end} by its last line\ngot: {there}")
    report["end"] = end
    for frame in report["frames"]:
        if "file" in frame:
            within = [one for one in report["maps"] if one["begin"] <= frame["address"] < one["end"]]
            place = [(one["file"], frame["address"] - one["begin"] + one["offset"]) for one in within]
            if frame["file"].startswith("/") and place != [(frame["file"], frame["offset"])]:
                raise Malformed(f"expected: a frame in its file's map {place}\ngot: {frame}")
    return report
