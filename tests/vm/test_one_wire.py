# SPDX-License-Identifier: GPL-2.0-or-later
"""One serial port, which is the console too: the debugger and the console on one wire. In a session there is nothing on
it but packets, and none of the console's text is lost; out of one it is the console that it always was."""

import json
import re
import shutil
import subprocess

import pytest
from harness import BUILD, dracut_image, generators, image, probe_image
from harness.checks import assert_at_start
from harness.environment import scaled
from harness.one_wire import OneWireMachine
from harness.realroot import DRIVERS, ROOT_MODULE, Unavailable, debian, root_disk

READY = "gdbdebug: ready on ttyS0"
HELLO = b"$qGdbdebug.hello#%02x" % (sum(b"qGdbdebug.hello") % 256)
# What systemd raises and handles by the dozen; SIG34 is gdb's name for SIGRTMIN.
IGNORED = ("SIGCHLD", "SIG34", "SIG35", "SIGTERM")


SHELL_INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
export PS1='shell# '
echo "shell: begins"
while :; do setsid sh -i; done
"""
KILL_AGENT = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = gdbdebug-agent ] && kill -9 ${p#/proc/}; done'
APPLETS = ("sh", "mount", "setsid", "sleep", "cat", "ls", "stat", "stty", "kill", "poweroff", "dmesg")


def shell_image(init=SHELL_INIT):
    """An image whose PID 1 is a script of busybox's shell, with a shell on the console."""
    if not shutil.which("busybox"):
        pytest.skip("busybox is not installed")

    def change(image):
        image.program("/bin/busybox", shutil.which("busybox"))
        for applet in APPLETS:
            image.link(f"/bin/{applet}", "busybox")
        image.add("/bin/neighbour", (BUILD / "tests/vm/neighbour").read_bytes(), 0o755)
        image.add("/usr/lib/gdbdebug/init", init, 0o755)
    return probe_image(change=change)


@pytest.fixture
def one_wire(directory, helper):
    """one_wire(image, append, ...) starts a machine with one port; each ends with the test."""
    machines = []

    def start(initrd, append="", name="", **options):
        machines.append(OneWireMachine(directory / name, initrd, append, **options))
        machines[-1].start()
        return machines[-1]

    yield start
    for one in machines:
        one.stop()


def hello_of(machine):
    """The client's question, and the pairs of its answer."""
    text = machine.ask(HELLO, rb"\+\$gdbdebug (version=[^#]*)#..").group(1).decode()
    return dict(pair.split("=", 1) for pair in text.split())


def meet(gdb, machine, sysroot="/"):
    """gdb on the wire, and the place in the record where it came."""
    debugger = gdb()
    debugger.command(f"set sysroot {sysroot}")
    debugger.command("set breakpoint pending on")
    for signal in IGNORED:
        debugger.command(f"handle {signal} nostop noprint pass")
    mark = machine.mark()
    debugger.connect(machine.debug)
    return debugger, mark


def wait_shown(debugger, pattern, seconds=90, after=0):
    """Waits until gdb has shown text that matches."""
    limit = seconds
    while not re.search(pattern, debugger.console[after:]):
        limit -= 0.1
        if limit <= 0 or not debugger.reader.is_alive():
            debugger.fail(f"/{pattern}/ in what gdb shows", debugger.console[-500:])
        debugger.reader.join(0.1)


def go_on(debugger, machine):
    """Continues, and waits until that is on the wire: gdb sends a Ctrl-C that comes before in front of it."""
    mark = machine.mark()
    debugger.command("continue")
    machine.wait_passed(">", rb"\$vCont;c", mark)


def assert_clean(session):
    """Not a byte was damaged, and none was there that is not the debugger's."""
    assert session.packets > 20 and session.damaged == 0 and session.raw == b"" and session.naks == 0, session


def shell(machine, command, expected, seconds=30):
    after = len(machine.console.text)
    machine.type(command + "\r")
    return machine.wait_for(expected, seconds, after=after)


def test_systemd_from_its_first_instruction_to_the_emergency_shell(one_wire, gdb):
    machine = one_wire(dracut_image(), "rd.gdbdebug=ttyS0,wait", memory=768)
    machine.wait_for(f"{READY} at \\d+n8, a console too; PID 1 is held at its first instruction", 60)
    hello = hello_of(machine)
    assert hello["state"] == "held" and hello["wire"] == "shared", hello

    debugger, mark = meet(gdb, machine)
    assert_at_start(debugger, "/lib64/ld-linux-x86-64.so.2")
    debugger.command("break manager_startup")
    assert debugger.resume()["reason"] == "breakpoint-hit"
    debugger.command("delete")
    debugger.command("continue")
    wait_shown(debugger, "Basic System")
    wait_shown(debugger, "Press Enter for maintenance")
    debugger.interrupt()
    assert debugger.expect_stop()["signal-name"] == "SIGINT"
    assert "epoll_wait" in debugger.command("backtrace")
    debugger.command("detach")
    debugger.quit()
    session = machine.session(mark)
    assert_clean(session)
    # The kernel's text and systemd's, in the order in which they came.
    text = session.text.decode("utf-8", "replace")
    assert re.search(r"(?s)\[ +\d+\.\d+\].*Basic System.*Press Enter for maintenance", text), text[-2000:]

    # The shell is what it always was, and a debugger can come and go while it is used.
    shell(machine, "", r"# ?$")
    shell(machine, "echo $((6*7))", r"^42\r?$")
    debugger, mark = meet(gdb, machine)
    assert "epoll_wait" in debugger.command("backtrace")
    go_on(debugger, machine)
    debugger.interrupt()
    debugger.expect_stop()
    debugger.command("detach")
    debugger.quit()
    assert_clean(machine.session(mark))
    shell(machine, "echo $((7*7))", r"^49\r?$")


def start_shell(machine, append=""):
    """Until PID 1, which nobody holds any more, has a shell on the console."""
    machine.wait_for("shell: begins", 60)
    shell(machine, "echo $((6*7))", r"^42\r?$")


def let_go(machine, gdb):
    """A debugger that comes to a PID 1 that is held, and detaches."""
    machine.wait_for(READY, 60)
    debugger, mark = meet(gdb, machine)
    debugger.command("detach")
    debugger.quit()
    assert machine.session(mark).damaged == 0


def test_typing_a_passphrase_while_a_debugger_asks(one_wire, gdb):
    """What is typed arrives, with a dollar sign in it and a packet in the middle; a newline is the reader's alone."""
    machine = one_wire(shell_image(), "rd.gdbdebug=console,wait")
    machine.wait_for(f"{READY} at", 60)  # the line `console` is the only serial one
    let_go(machine, gdb)
    start_shell(machine)
    after = len(machine.console.text)
    machine.type("stty -echo; echo now; read -r x; stty echo; echo \"got:$x:\"\r")
    machine.wait_for(r"^now", 20, after=after)
    machine.type("pa$$w#4")
    assert hello_of(machine)["state"] == "running"
    machine.type("2+$q")
    assert hello_of(machine)["wire"] == "shared"
    machine.type("-$\r")
    machine.wait_for(r"got:pa\$\$w#42\+\$q-\$:", 20, after=after)
    after = len(machine.console.text)
    machine.type("\r")
    machine.wait_for(r"shell# ", 20, after=after)


def test_a_debugger_that_is_killed_leaves_the_console(one_wire, gdb):
    """gdb is killed while PID 1 runs in silence: within ten seconds the console is back, with all that had to wait, and
    the console level."""
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0")
    start_shell(machine)
    level = shell(machine, "cat /proc/sys/kernel/printk", r"^(\d+)\s+\d+\s+\d+\s+\d+\r?$").group(1)
    machine.type("sleep 5; echo before; sleep 5; echo behind\r")
    debugger, _ = meet(gdb, machine)
    go_on(debugger, machine)
    wait_shown(debugger, "before", 20)
    debugger.kill()
    after = len(machine.console.text)
    machine.wait_for(r"behind", 20, after=after)
    machine.wait_for(r"^shell# ", 20, after=after)
    again = shell(machine, "cat /proc/sys/kernel/printk", r"^(\d+)\s+\d+\s+\d+\s+\d+\r?$").group(1)
    assert again == level


def test_an_agent_that_is_killed_leaves_the_console(one_wire, gdb):
    """The guard carries on: the shell that is open, one that is started later, the kernel's messages."""
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0,wait")
    let_go(machine, gdb)
    start_shell(machine)
    shell(machine, KILL_AGENT,
          "the agent has ended by signal 9; the console goes on without a debugger")
    shell(machine, "echo $((6*7))", r"^42\r?$")
    shell(machine, "echo text >/dev/console", r"^text\r?$")
    shell(machine, "neighbour 4:64 text line:seen", r"a line in the log")
    shell(machine, "exit", "shell# ")
    shell(machine, "echo $((7*7))", r"^49\r?$")


def test_an_agent_that_is_killed_in_a_session(one_wire, gdb):
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0,wait")
    let_go(machine, gdb)
    start_shell(machine)
    machine.type(f"sleep 8; {KILL_AGENT}\r")
    debugger, _ = meet(gdb, machine)
    go_on(debugger, machine)
    machine.wait_for("the agent has ended by signal 9; the console goes on without a debugger", 30)
    debugger.kill()
    after = len(machine.console.text)
    machine.type("\r")
    machine.wait_for("shell# ", 20, after=after)
    shell(machine, "neighbour 4:64 text", r"a line in the log")
    shell(machine, "echo $((7*7))", r"^49\r?$")


def test_a_hostile_neighbour(one_wire, gdb):
    """Who hangs the port up, flushes it, sets it, writes packets to it, sets the console level or takes the redirection
    of /dev/console: the session lives, and the console is afterwards what it was."""
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0,wait")
    let_go(machine, gdb)
    start_shell(machine)
    machine.type("sleep 8; neighbour 4:64 hangup hangup hangup cooked level flush text emergency redirect release junk "
                 "line:one line:two text\r")
    debugger, mark = meet(gdb, machine)
    go_on(debugger, machine)
    wait_shown(debugger, "neighbour: done", 30)
    debugger.interrupt()
    debugger.expect_stop()
    debugger.command("info registers")
    debugger.command("detach")
    debugger.quit()
    session = machine.session(mark)
    print(session)
    assert b"one" in session.text and b"two" in session.text and session.text.count(b"a line in the log") == 2
    assert session.damaged <= 1 and session.naks <= 2, session
    assert shell(machine, "cat /proc/sys/kernel/printk", r"^(\d+)\s+\d+\s+\d+\s+\d+\r?$").group(1) == "7"
    shell(machine, "echo $((7*7))", r"^49\r?$")


def test_nobody_comes(one_wire):
    """Held for three seconds: what came meanwhile is printed then, and the wire is the console."""
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0,wait=3 quiet", loglevel=1)
    ready = machine.wait_for("gdbdebug: ready on ttyS0 at .*PID 1 is held .* waits 3 seconds", 60)
    assert machine.console.text.count("ready on") == 1, machine.console.tail()
    start_shell(machine)
    assert machine.console.text.find("$") < 0 or machine.console.text.find("$") > ready.end()


def test_a_crash(one_wire, gdb):
    """The message and the report are printed, and then whoever comes finds PID 1 held."""
    machine = one_wire(probe_image(), "rd.gdbdebug=ttyS0,crash PROBE=segv REPORT=no quiet", loglevel=4)
    machine.wait_for(r"gdbdebug: report: end .*\n", 60)
    assert "is held" in machine.console.text
    assert hello_of(machine)["state"] == "crashed"
    debugger, mark = meet(gdb, machine)
    assert "SIGSEGV" in debugger.command("info program")
    assert re.search(r"^#\d", debugger.command("backtrace"), re.MULTILINE)
    debugger.command("detach")
    debugger.quit()
    session = machine.session(mark)
    assert session.packets > 5 and session.damaged == 0 and session.naks == 0, session
    assert machine.wait_end(60) == "panic"
    assert "Attempted to kill init! exitcode=0x0000000b" in machine.console.text


@pytest.fixture
def report(directory):
    """report(MACHINE, WORD...): what `gdbdebug report` on the machine's console says, and its status; it must end by
    itself."""
    command = BUILD / "client" / "gdbdebug"
    if not command.exists():
        pytest.skip(f"the host command is not built: {command}")
    running = []

    def start(machine, *words):
        running.append(subprocess.Popen([command, "report", machine.debug, "--json", *words], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def told(process, seconds=90):
    output, errors = process.communicate(timeout=scaled(seconds))
    assert process.returncode == 0, output + errors
    return json.loads(output)


def test_a_crash_is_explained_on_the_line_while_it_arrives(one_wire, report):
    """The reader was there before the machine was switched on, and the line does not end."""
    image = probe_image()
    machine = one_wire(image, "rd.gdbdebug=console,crash,core PROBE=segv quiet", loglevel=1)
    (made,) = told(report(machine, "--initrd", image))["reports"]
    shown = [line for line in made["core"]["backtrace"] if line.startswith("#")]
    assert made["complete"] and made["core"]["complete"], made
    assert "crash_here" in shown[0] and "main" in shown[2], shown
    assert machine.passed(">") == b"", "nothing is written to the line"


def test_what_all_processes_do_is_asked_for_on_the_console(one_wire, report):
    """The shell on the console runs on, and its line is not disturbed."""
    image = shell_image()
    machine = one_wire(image, "rd.gdbdebug=console,hang=3600,core")
    start_shell(machine)
    made = told(report(machine, "--now", "--initrd", image))
    (hang,) = made["hangs"]
    assert hang["head"].startswith("a report was requested on the line; PID 1 (init) is in state S"), hang
    processes = {process["comm"]: process for process in hang["processes"]}
    assert processes["sh"]["input"] and processes["init"]["call"] in ("wait4", "waitid"), processes
    (core,) = made["cores"]
    assert core["core"]["complete"] and core["core"]["backtrace"], core
    shell(machine, "echo $((7*7))", r"^49\r?$")


def test_a_panic_in_a_session_is_printed(one_wire, gdb):
    machine = one_wire(shell_image(), "rd.gdbdebug=ttyS0,wait")
    let_go(machine, gdb)
    start_shell(machine)
    machine.type("sleep 8; echo c >/proc/sysrq-trigger\r")
    debugger, _ = meet(gdb, machine)
    go_on(debugger, machine)
    machine.wait_for(r"Kernel panic - not syncing: sysrq triggered crash", 40)
    machine.wait_for(r"end Kernel panic|Rebooting|reboot", 20)


def test_a_login_in_the_real_root(one_wire, gdb):
    """Through systemd's switch to the real root, with a getty and login on the /dev/console that the agent has covered.
    (The one on ttyS0 waits for udev, which that root has not.)"""
    try:
        disk = root_disk()
    except Unavailable as why:
        pytest.skip(str(why))
    initrd = dracut_image(modules=f"{image.SYSTEMD_MODULES} {ROOT_MODULE}", drivers=DRIVERS)
    machine = one_wire(initrd, "root=/dev/vda rootfstype=ext4 rw systemd.unit=getty.target "
                       "systemd.wants=console-getty.service systemd.mask=serial-getty@ttyS0.service "
                       "rd.gdbdebug=ttyS0,wait", memory=1024, devices=disk)
    machine.wait_for(READY, 90)
    debugger, mark = meet(gdb, machine, debian())
    debugger.command("continue")
    wait_shown(debugger, "login: ", 240)
    debugger.interrupt()
    debugger.expect_stop()
    assert "systemd" in debugger.command("info proc exe")
    debugger.command("detach")
    debugger.quit()
    session = machine.session(mark)
    print(len(session.text), session._replace(text=b""))
    assert_clean(session)
    text = session.text.decode("utf-8", "replace")
    assert re.search(r"(?s)Switch Root.*login: ", text), text[-3000:]
    shell(machine, "root", "Password: ")
    debugger, mark = meet(gdb, machine, debian())
    debugger.command("backtrace")
    debugger.command("detach")
    debugger.quit()
    assert_clean(machine.session(mark))
    shell(machine, "wrong", "Login incorrect", 30)


def test_the_shell_of_initramfs_tools(one_wire, gdb):
    """The shell in which its script stops, and the boot that goes on from there to the real root."""
    if not shutil.which("mkinitramfs", path="/usr/sbin:/sbin:/usr/bin") or not shutil.which("busybox"):
        pytest.skip("initramfs-tools or busybox is not installed")
    try:
        initrd = generators.initramfs_tools_image()
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: mkinitramfs to make an image\ngot: status {error.returncode}\n{error.output}")
    # With panic= its script restarts or halts the machine in the place of a shell.
    machine = one_wire(initrd, f"rd.gdbdebug=ttyS0,wait break=mount {generators.ROOT_COMMAND_LINE}", panic="",
                       devices=generators.root_disk())
    machine.wait_for(READY, 90)
    debugger, mark = meet(gdb, machine)
    debugger.command("continue")
    wait_shown(debugger, r"\(initramfs\)", 90)
    debugger.interrupt()
    debugger.expect_stop()
    debugger.command("detach")
    debugger.quit()
    assert_clean(machine.session(mark))
    shell(machine, "echo $((6*7))", r"^42\r?$")
    machine.type("exit\r")
    assert machine.report()["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"
