# SPDX-License-Identifier: GPL-2.0-or-later
"""rd.gdbdebug=...,crash and exit: PID 1 is held before it would die, the console has a report, a debugger that comes
then finds everything in place and writes a core file, and when it lets go the machine dies as it would have died.

Every boot here is a quiet one: what must be seen is seen on a console that shows next to nothing."""

import re

import pytest
from harness import BUILD, MACHINE, SYSROOT, TARGET, GdbError, Tap, gdb_batch, image, probe_image, scaled
from harness.report import read_message, read_report

PROBE = BUILD / "tests" / "vm" / "probe"
BUSYBOX = SYSROOT / "bin/busybox"
LIBC = r"libc\.so\.6$"
LINKER = r"/ld-linux"
DIES = "debugger detached; PID 1 now dies as it would have without gdbdebug"
QUIET = {"loglevel": 3}


def quiet_boot(boot, append, tree=None, **options):
    return boot(tree or probe_image(), f"quiet REPORT=no {append}", **QUIET, **options)


def wait_held(machine, seconds=60):
    """Waits until PID 1 is held at its end; returns the message's parts and the report."""
    machine.wait_for(r"gdbdebug: report: end .*\n", seconds)
    return read_message(machine.console.text), read_report(machine.console.text)


def functions(backtrace):
    """The names of a backtrace's frames, innermost first; `??` where gdb knows none."""
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ (?:\[PAC\] )?in )?(\?\?|[\w.]+)", backtrace, re.MULTILINE)


def wait_panic(machine, code, seconds=60):
    """The machine has died as it would have died without us."""
    assert machine.wait_end(seconds) == "panic"
    found = re.search(r"Attempted to kill init! exitcode=(0x[0-9a-f]{8})", machine.console.text)
    assert found and int(found.group(1), 16) == code, \
        f"expected: a panic with exit code {code:#010x}\ngot: {found and found.group(1)}\n{machine.console.tail()}"


def check_core(directory, debugger, program, live):
    """A core file, as the manual tells the user to make it, opens in another gdb and shows the same."""
    core = directory / "core"
    debugger.command(f"generate-core-file {core}")
    commands = [f"set sysroot {SYSROOT}", f"core-file {core}", "backtrace 40", "output/x (unsigned long) $pc"]
    text = gdb_batch(directory, commands, arguments=[str(program)] if program else ())
    assert functions(text)[-len(live["functions"]):] == live["functions"], text
    assert text.endswith(f"{live['pc']:#x}"), text
    assert re.search(rf"Program terminated with signal {live['signal']},", text), text


def meet(directory, machine, gdb, program, signal):
    """A plain gdb at the line; returns it, and what it shows."""
    debugger = gdb(*([str(program)] if program else []))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.connect(machine.debug)
    said = debugger.command("info program")
    if signal != "SIGTRAP":  # as which every debugger's own stops are told
        assert re.search(rf"It stopped with signal {signal},", said), said
    return debugger, {"functions": functions(debugger.command("backtrace 40")), "signal": signal,
                      "pc": debugger.value("(unsigned long) $pc")}


# What PROBE= makes it do; the signal; what the backtrace begins with; the file of the place in the message; the exit
# code of the panic, as it is without us: the signal's number (kernel/signal.c, get_signal(); no core file is written,
# for its limit is 0). The SIGABRT of its own abort() is kept from PID 1, whose abort() then executes an instruction
# that raises another signal (glibc: ABORT_INSTRUCTION).
# None: the kernel keeps the signal from a PID 1 that is traced, and nothing raises it again.
AFTER_ABORT = {"x86_64": 11, "aarch64": 5}[MACHINE]
AFTER_BREAKPOINT = {"x86_64": None, "aarch64": 5}[MACHINE]  # where the program counter is: behind it, or at it
ENDS = [
    ("segv", "SIGSEGV", ["crash_here", "act", "main"], "/usr/bin/probe", 11),
    ("abort", "SIGABRT", None, LIBC, AFTER_ABORT),
    ("jump0", "SIGSEGV", ["??", "crash_at_0", "act", "main"], None, 11),
    ("overflow", "SIGSEGV", ["crash_by_recursion"] * 40, "/usr/bin/probe", 11),
    ("ill", "SIGILL", ["crash_by_undefined", "act", "main"], "/usr/bin/probe", 4),
    ("fpe", "SIGFPE", ["crash_by_division", "act", "main"], "/usr/bin/probe", 8),
    ("bus", "SIGBUS", ["crash_by_bus", "act", "main"], "/usr/bin/probe", 7),
    ("trap", "SIGTRAP", ["crash_by_breakpoint", "act", "main"], "/usr/bin/probe", AFTER_BREAKPOINT),
    ("sys", "SIGSYS", None, LIBC, None),
]


def check_overflow(message, report, times):
    """It is called what it is; the recursion is a line or two, with its number, and what began it is there too."""
    assert message["why"].endswith(" (stack overflow)") and report["begin"]["stack"] == "overflow", report["begin"]
    most = max(report["frames"], key=lambda frame: frame["times"])
    lines = [frame for frame in report["frames"] if frame["address"] == most["address"]]
    assert most["times"] >= times and len(lines) <= 2, report["frames"]
    assert "unread" not in report["end"], report["end"]
    assert re.search(LIBC, report["frames"][-2]["file"]) or re.search(LIBC, report["frames"][-1]["file"])


@pytest.mark.parametrize("action,signal,frames,place,code", ENDS, ids=[one[0] for one in ENDS])
def test_pid_1_is_held_at_a_fatal_signal(boot, gdb, directory, helper, action, signal, frames, place, code):
    if action == "fpe" and MACHINE == "aarch64":
        pytest.skip("a division by zero is no error on arm64")
    machine = quiet_boot(boot, f"rd.gdbdebug=ttyS1,crash PROBE={action}")
    message, report = wait_held(machine)
    assert message["why"].split(" ")[0] == signal and message["seconds"] is None, message
    assert message["comm"] == report["begin"]["comm"] == "init"
    assert report["begin"]["signal"] == signal and report["begin"]["version"] == "1", report["begin"]
    assert report["command"] == ["/init"]
    assert {one["file"] for one in report["maps"]} >= {"/usr/bin/probe"} and all("build_id" in one for one in
                                                                               report["maps"]), report["maps"]
    if place:
        assert re.search(place, report["frames"][0]["file"]), report["frames"]
        assert message["place"] == f"{report['frames'][0]['file']}+{report['frames'][0]['offset']:#x}"
    else:
        assert message["place"] == "no file, at 0x0" and "file" not in report["frames"][0]
    if action == "segv":
        assert report["begin"]["address"] == "0x8" and "at address 0x8" in message["why"]
    if action == "overflow":
        check_overflow(message, report, times=100)
    else:
        assert "stack" not in report["begin"], report["begin"]

    debugger, live = meet(directory, machine, gdb, PROBE, signal)
    if frames:
        assert live["functions"][:len(frames)] == frames, live
    else:
        assert {"abort": "crash_by_abort", "sys": "crash_by_filter"}[action] in live["functions"], live
    for name, value in report["registers"].items():
        if name not in ("pc", "sp", "eflags", "cpsr"):  # the last two have types of their own in gdb
            assert debugger.value(f"(unsigned long) ${name}") == value, name
    assert report["registers"]["pc"] == report["frames"][0]["address"] == live["pc"]
    # The probe's return addresses are all in the report: a scan can have more, but not fewer.
    scanned = {frame["address"] for frame in report["frames"]}
    for level, name in list(enumerate(live["functions"]))[:10]:
        if re.match("crash_|act$|main$", name):
            debugger.command(f"frame {level}")
            assert debugger.value("(unsigned long) $pc") in scanned, (name, report["frames"])
    debugger.command("frame 0")
    check_core(directory, debugger, PROBE, live)
    debugger.command("detach")
    if code is None:
        machine.wait_for("gdbdebug: debugger detached; PID 1 goes on")
        assert machine.wait_end() == "poweroff"
    else:
        wait_panic(machine, code)


def test_pid_1_is_held_before_its_own_handler_runs(boot, gdb, directory, helper):
    """As systemd's, it would fork a child for the core file and then freeze: which it does once the user has looked."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,handled PROBE=segv-handled")
    message, report = wait_held(machine)
    assert message["why"] == "SIGSEGV at address 0x8, for which it has a handler", message
    assert report["begin"]["handled"] == "1", report["begin"]
    assert "probe: frozen" not in machine.probe.text
    debugger, live = meet(directory, machine, gdb, PROBE, "SIGSEGV")
    assert live["functions"][:3] == ["crash_here", "act", "main"], live
    check_core(directory, debugger, PROBE, live)
    debugger.command("detach")
    machine.wait_for("gdbdebug: debugger detached; PID 1 goes on with its handler for the signal")
    machine.wait_probe("probe: frozen")
    assert "Kernel panic" not in machine.console.text


def test_pid_1_is_held_in_the_dynamic_linker(boot, gdb, directory, helper):
    program = BUILD / "tests" / "vm" / "probe-breaks-linker"
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash", probe_image(probe="probe-breaks-linker"))
    _, report = wait_held(machine)
    assert machine.probe.text == "", "main has run"
    assert any(re.search(LINKER, frame.get("file", "")) for frame in report["frames"]), report["frames"]
    debugger, live = meet(directory, machine, gdb, program, "SIGSEGV")
    assert live["functions"][:2] == ["crash_here", "resolve_broken"] and len(live["functions"]) > 4, live
    assert re.search(LINKER, debugger.command("info sharedlibrary"))
    check_core(directory, debugger, program, live)
    debugger.command("detach")
    wait_panic(machine, 11)


def test_the_stack_of_another_thread_overflows(boot, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash PROBE=overflow-thread")
    message, report = wait_held(machine)
    check_overflow(message, report, times=50)


def test_what_the_dynamic_linker_has_left_does_not_hide_the_program(boot, gdb, helper):
    """It gives up in the middle of the program, for a function that is in no library. On the stack is more of its own
    than a report has lines."""
    folder = BUILD / "tests" / "vm"
    name = "libprobe-lookup-library.so"

    def add_library(tree):
        tree.add(f"/usr/lib/probe/{name}", (folder / name).read_bytes(), 0o755)

    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,exit PROBE=lookup",
                         probe_image(probe="probe-lookup", change=add_library))
    message, report = wait_held(machine)
    assert message["why"] == "exit with status 127", message
    assert len(report["frames"]) <= 32, report["frames"]
    debugger = gdb(str(folder / "probe-lookup"))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.command(f"set solib-search-path {folder}")
    debugger.connect(machine.debug)
    live = functions(debugger.command("backtrace 40"))
    assert {"configure", "act", "main"} <= set(live), live
    shown = {frame["address"] for frame in report["frames"]}
    for level, function in enumerate(live):
        debugger.command(f"frame {level}")
        assert debugger.value("(unsigned long) $pc") in shown, (level, function, report["frames"], report["end"])


def test_the_sender_of_a_signal_is_named(boot, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,handled PROBE=abort-sent")
    machine.wait_for(r"gdbdebug: report: end .*\n")
    begin = read_report(machine.console.text)["begin"]
    assert begin["signal"] == "SIGABRT" and begin["sender_comm"] == "sender", begin
    assert f"SIGABRT sent by process {begin['sender']} (sender)" in machine.console.text, machine.console.tail()


def shell_init(tree):
    """A shell script as the real init, as in an image without systemd."""
    names = tree.program("/bin/busybox", BUSYBOX)
    tree.link("/bin/sh", "busybox")
    tree.entries.pop(image.REAL_INIT)
    tree.add(image.REAL_INIT, "#!/bin/sh\necho the script runs\nexit 1\n", 0o755)
    return names


@pytest.mark.parametrize("how", ["exit:1", "exit-thread:3", "shell"])
def test_pid_1_is_held_at_its_exit(boot, gdb, directory, helper, how):
    if how == "shell" and not BUSYBOX.exists():
        pytest.skip("busybox is not installed")
    status = 1 if how == "shell" else int(how.rpartition(":")[2])
    tree = probe_image(change=shell_init) if how == "shell" else probe_image()
    program = BUSYBOX if how == "shell" else PROBE
    machine = quiet_boot(boot, f"rd.gdbdebug=ttyS1,crash,exit PROBE={how}", tree)
    message, report = wait_held(machine)
    assert message["why"] == f"exit with status {status}", message
    assert report["begin"]["exit"] == str(status) and "signal" not in report["begin"], report["begin"]
    debugger, live = meet(directory, machine, gdb, program, "SIGTRAP")
    assert re.search(LIBC, report["frames"][0]["file"]), report["frames"]
    if how != "shell":
        assert "main" in live["functions"], live
    assert len(live["functions"]) >= 3, live
    check_core(directory, debugger, program, live)
    debugger.command("detach")
    wait_panic(machine, status << 8)


def test_the_line_is_told_before_the_machine_dies(boot, directory, helper):
    """On the wire itself: the text comes before gdb's own reply, and gdb is not confused by it."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash PROBE=segv")
    wait_held(machine)
    with Tap(machine.debug) as tap:
        text = gdb_batch(directory, [f"set sysroot {SYSROOT}", f"target remote {tap.path}", "detach"],
                         arguments=[str(PROBE)])
        assert "[Inferior 1 (process 1) detached]" in text, text
        wait_panic(machine, 11)
        wire = bytes(tap.from_target)
    assert wire.rstrip(b"+").endswith(b"$OK#9a"), wire[-300:]
    assert f"gdbdebug: {DIES}\r\n".encode() in wire, wire[-300:]
    assert re.search(f"gdbdebug: {DIES}", machine.console.text), machine.console.tail()


def test_crash_with_seconds_dies_as_it_would_have_after_them(boot, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash=2 PROBE=abort")
    message, _ = wait_held(machine)
    assert message["seconds"] == "2", message
    wait_panic(machine, AFTER_ABORT)
    machine.wait_for("gdbdebug: no debugger came in time; PID 1 now dies as it would have without gdbdebug")
    # The report's last line and the panic arrive as the kernel prints them.
    waited = machine.time_of("gdbdebug: no debugger came in time") - machine.time_of("gdbdebug: report: end")
    assert 1.5 < waited < 20, waited


def test_crash_with_seconds_waits_for_a_debugger_that_came(boot, gdb, directory, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash=3,exit PROBE=exit:7")
    wait_held(machine)
    debugger, live = meet(directory, machine, gdb, PROBE, "SIGTRAP")
    with pytest.raises(AssertionError):
        machine.wait_for("no debugger came in time|Kernel panic", 5)
    assert functions(debugger.command("backtrace 40")) == live["functions"]
    debugger.command("detach")
    wait_panic(machine, 7 << 8)


def test_a_line_that_is_not_there_holds_nothing_up(boot, helper):
    """The agent waits half a minute for an adapter. PID 1, under gdbserver already, executes another program meanwhile,
    which is an event that somebody has to see."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyUSB0,crash PROBE=exec")
    assert machine.wait_end() == "poweroff"
    assert machine.probe.text.count("probe: main\n") == 2
    first, second = (machine.probe.time_of(found.start())
                     for found in re.finditer("probe: main", machine.probe.text))
    assert second - first < scaled(15), f"{second - first:.1f} s between the two programs"


def test_a_crash_is_reported_though_the_line_is_not_there(boot, helper):
    """And when the line is given up the machine dies as it would have died."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyUSB0,crash PROBE=segv")
    message, _ = wait_held(machine)
    assert message["why"].startswith("SIGSEGV"), message
    assert "ttyUSB0" in message["line"], message
    wait_panic(machine, 11, 90)


def test_what_does_not_end_pid_1_does_not_hold_it(boot, helper):
    """Others send it signals that the kernel keeps from a PID 1 without a handler; it gets those that it handles, and
    300 children end at once."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,exit POWEROFF=child PROBE=signals")
    found = machine.wait_probe(r"probe: survived, (\d+) interrupts, (\d+) children")
    # Two it has handlers for. (A SIGINT that its tracer sees must not be taken for a debugger's Ctrl-C.)
    assert found.groups() == ("2", "300"), machine.probe.tail()
    assert machine.wait_end() == "poweroff"
    assert ") is held" not in machine.console.text


def test_the_end_of_one_thread_among_others_does_not_hold_pid_1(boot, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,exit POWEROFF=child PROBE=threads")
    machine.wait_probe("probe: the thread has ended")
    assert machine.wait_end() == "poweroff"
    assert "is held" not in machine.console.text


@pytest.mark.parametrize("options,action,code", [
    ("wait,crash,exit", "exit:2", 2 << 8), ("wait,crash", "segv", 11), ("exit", "exit:1", 1 << 8),
    ("wait=60,exit,crash=60", "ill", 4)])
def test_a_debugger_that_detaches_before_the_end_leaves_pid_1_armed(boot, gdb, directory, helper, options, action,
                                                                   code):
    held = "wait" in options
    machine = quiet_boot(boot, f"rd.gdbdebug=ttyS1,{options} PROBE={action if held else 'spin'}")
    if held:
        machine.wait_for("gdbdebug: ready on ttyS1")
    else:
        machine.wait_probe(r"spinning\n\.\.")
    debugger = gdb(str(PROBE))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.connect(machine.debug)
    if held:
        debugger.command("break act")
        assert debugger.resume()["frame"]["func"] == "act"
    else:  # it met a running PID 1, which now ends
        debugger.command("break tick")
        assert debugger.resume()["frame"]["func"] == "tick"
        debugger.command(f"set ${TARGET.first_argument} = 1")
        debugger.command("set $pc = exit")
    debugger.command("detach")
    debugger.quit()
    message, _ = wait_held(machine)
    assert f"status {code >> 8}" in message["why"] if "exit:" in action else "SIG" in message["why"], message
    second, _ = meet(directory, machine, gdb, PROBE, "SIG\\w+")
    second.command("detach")
    wait_panic(machine, code)


def test_the_crash_after_signals_that_pid_1_handles_is_held(boot, gdb, directory, helper):
    """As a program in Go that recovers from a nil dereference, and later does not."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash=60 PROBE=recover")
    message, report = wait_held(machine)
    machine.wait_probe("probe: recovered")
    assert "without its siginfo" not in machine.probe.text
    assert message["why"] == "exit with status 2" and report["begin"]["exit"] == "2", message
    debugger, live = meet(directory, machine, gdb, PROBE, "SIGTRAP")
    assert "give_up" in live["functions"] and "crash_here" in live["functions"], live
    debugger.command("detach")
    wait_panic(machine, 2 << 8)


def test_a_restart_of_the_machine_is_held_in_the_initramfs(boot, gdb, directory, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,exit,reboot PROBE=reboot")
    message, report = wait_held(machine)
    assert message["why"] == "reboot(2) with RESTART" and report["begin"]["reboot"] == "RESTART", message
    debugger, live = meet(directory, machine, gdb, PROBE, "SIGTRAP")
    assert "restart_here" in live["functions"], live
    debugger.command("detach")
    machine.wait_for("gdbdebug: debugger detached; PID 1 now restarts or stops the machine as it would have")
    machine.wait_end()
    assert "Kernel panic" not in machine.console.text


def test_a_kill_by_a_filter_of_its_own_is_held(boot, gdb, directory, helper):
    """Since Linux 5.16 the kernel shows no debugger that signal: it is seen at the end alone."""
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash,exit PROBE=killed")
    message, report = wait_held(machine)
    assert message["why"] == "SIGSYS" and report["begin"]["signal"] == "SIGSYS", message
    debugger, live = meet(directory, machine, gdb, PROBE, "SIGTRAP")
    assert "main" in live["functions"], live
    debugger.command("detach")
    wait_panic(machine, 31)


def test_pid_1_forks_on_after_a_session_and_is_still_armed(boot, gdb, directory, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,wait,crash PROBE=forks")
    machine.wait_for("gdbdebug: ready on ttyS1")
    debugger = gdb(str(PROBE))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.connect(machine.debug)
    debugger.command("break tick")
    assert debugger.resume()["frame"]["func"] == "tick"
    debugger.command("detach")
    debugger.quit()
    message, _ = wait_held(machine)
    assert "SIGSEGV" in message["why"], message
    second, _ = meet(directory, machine, gdb, PROBE, "SIGSEGV")
    second.command("detach")
    wait_panic(machine, 11)


def test_exit_alone_does_not_hold_at_a_signal(boot, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,exit PROBE=segv")
    wait_panic(machine, 11)
    assert "is held" not in machine.console.text


def test_a_lost_debugger_leaves_a_crashed_pid_1_for_the_next(boot, gdb, directory, helper):
    machine = quiet_boot(boot, "rd.gdbdebug=ttyS1,crash PROBE=ill")
    wait_held(machine)
    first, live = meet(directory, machine, gdb, PROBE, "SIGILL")
    first.kill()
    machine_state = machine.ask_hello()
    assert machine_state["state"] == "crashed", machine_state
    second, again = meet(directory, machine, gdb, PROBE, "SIGILL")
    assert again == live
    with pytest.raises(GdbError, match="Can't kill process"):
        second.command("kill")
    second.command("detach")
    wait_panic(machine, 4)
