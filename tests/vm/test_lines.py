# SPDX-License-Identifier: GPL-2.0-or-later
"""Every line that is not a plain serial port, with QEMU's own devices: each ends at the first instruction of the real
init under a plain gdb. The drivers are modules, as a distribution has them, so they are loaded by us."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from harness import BUILD, GdbError, gdb_batch, image, kernel, probe_image, scaled
from harness.checks import assert_at_start

PROBE = BUILD / "tests" / "vm" / "probe"
AGENT_NET = BUILD / "helper" / "gdbdebug-agent-net"
READY = r"gdbdebug: ready on (.*); PID 1 is held"


def linker():
    return next(file for name, file in image.libraries_of(PROBE) if "/ld-linux" in name)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def add_modules(tree, names):
    """Kernel modules with what they depend on, their indexes, and the modprobe of kmod that loads them."""
    need("modprobe", "depmod")
    version, _ = kernel()
    tree.program("/sbin/modprobe", shutil.which("modprobe"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "lib" / "modules" / version
        folder.mkdir(parents=True)
        for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            if (Path("/lib/modules") / version / name).exists():
                shutil.copy(Path("/lib/modules") / version / name, folder)
        for name in names:
            shown = subprocess.run(["modprobe", "-S", version, "--show-depends", name], capture_output=True, text=True,
                                   check=True).stdout
            for file in re.findall(r"^insmod (/\S+)", shown, re.MULTILINE):
                target = folder / Path(file).relative_to(f"/lib/modules/{version}")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
        subprocess.run(["depmod", "-b", scratch, version], check=True, stderr=subprocess.DEVNULL)
        for file in folder.rglob("*"):
            if file.is_file():
                tree.add(f"/lib/modules/{version}/{file.relative_to(folder)}", file.read_bytes())


def to_manifest(tree, names):
    mode, manifest, device = tree.entries[image.MANIFEST]
    tree.entries[image.MANIFEST] = (mode, manifest + "".join(f"{name}\n" for name in names).encode(), device)


def line_image(modules, lines="serial virtio", network=False, keys=None, change=None):
    def alter(tree):
        add_modules(tree, modules)
        if network:
            tree.add(image.AGENT_IN_IMAGE, AGENT_NET.read_bytes(), 0o755)
            need("busybox")
            to_manifest(tree, tree.program("/usr/lib/gdbdebug/busybox", shutil.which("busybox")))
        if keys:
            need("dropbear")
            to_manifest(tree, tree.program("/usr/lib/gdbdebug/ssh/dropbear", shutil.which("dropbear")))
            for name, source in keys.items():
                tree.add(f"/usr/lib/gdbdebug/ssh/{name}", source.read_bytes(), 0o600)
                to_manifest(tree, [f"/usr/lib/gdbdebug/ssh/{name}"])
        if change:
            change(tree)
    return probe_image(configuration=f'lines="{lines}"\n', change=alter)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until_free(port, seconds=60):
    """Asks for the hello, as a debugger would connect again, until it is answered."""
    limit = time.monotonic() + scaled(seconds)
    answer = b""
    while b"gdbdebug version=" not in answer:
        assert time.monotonic() < limit, f"still refused: {answer!r}"
        time.sleep(0.1 if answer else 0)  # the machine says nothing of a peer that it gives up
        with socket.create_connection(("127.0.0.1", port), scaled(10)) as line:
            line.settimeout(max(0.01, limit - time.monotonic()))
            line.sendall(b"\n")
            with line.makefile("rb") as stream:
                answer = stream.readline()


def stands_at_start(debugger, target, machine):
    debugger.command("set sysroot")
    debugger.connect(target)
    assert_at_start(debugger, linker())
    debugger.command("detach")
    machine.report()
    assert machine.wait_end() == "poweroff"


def port_devices(directory, device):
    path = f"/tmp/gdbdebug-{os.getpid()}-{abs(hash(directory)):x}.line"
    return path, ["-chardev", f"socket,id=line,path={path},server=on,wait=off", *device]


def test_a_virtio_port_by_its_name(boot, gdb, directory, helper):
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-chardev", "null,id=other", "-device",
                                             "virtserialport,chardev=other,name=other", "-device",
                                             "virtserialport,chardev=line,name=org.gdbdebug.0"])
    machine = boot(line_image(["virtio_pci", "virtio_console"]), "rd.gdbdebug=virtio:org.gdbdebug.0,wait",
                   devices=devices)
    assert machine.wait_for(READY).group(1) == "virtio:org.gdbdebug.0"
    debugger = gdb(str(PROBE))
    debugger.command("set sysroot")
    debugger.connect(path)
    debugger.kill()  # the host closes its end; the port must be there for the next
    stands_at_start(gdb(), path, machine)


def test_a_virtio_console(boot, gdb, directory, helper):
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=line"])
    machine = boot(line_image(["virtio_pci", "virtio_console"]), "rd.gdbdebug=hvc0,wait", devices=devices)
    machine.wait_for(READY)
    stands_at_start(gdb(), path, machine)


HANGS_UP = r"""
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
int failed, rounds;
__attribute__((noinline)) void hung_up(void) { __asm__ volatile("" ::: "memory"); }
int main(void) {
  mkdir("/dev", 0755);
  mount("dev", "/dev", "devtmpfs", 0, "");
  for (;;) {  /* as systemd does with TTYVHangup=, and agetty after it */
    int tty = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (tty < 0 || ioctl(tty, TIOCVHANGUP) != 0) ++failed;
    close(tty);
    ++rounds;
    hung_up();
    usleep(10000);
  }
}
"""


def test_a_virtio_console_that_is_hung_up_in_a_session(boot, gdb, directory, helper):
    """systemd-getty-generator starts a getty on hvc0, whatever console= says."""
    need("cc")
    source = Path(directory) / "hangs_up.c"
    source.write_text(HANGS_UP)
    program = Path(directory) / "hangs_up"
    subprocess.run(["cc", "-g", "-static", "-no-pie", "-o", program, source], check=True)

    def change(tree):
        tree.entries.pop(image.REAL_INIT)
        tree.add(image.REAL_INIT, program.read_bytes(), 0o755)
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=line"])
    machine = boot(line_image(["virtio_pci", "virtio_console"], change=change), "rd.gdbdebug=hvc0,wait",
                   devices=devices)
    machine.wait_for(READY)
    debugger = gdb(str(program))
    debugger.command("set sysroot")
    debugger.connect(path)
    debugger.command("break hung_up")
    for rounds in range(1, 6):
        debugger.resume()
        assert debugger.value("rounds") == rounds
        assert debugger.value("failed") == 0
    debugger.command("detach")


def test_a_usb_serial_adapter(boot, gdb, directory, helper):
    path, devices = port_devices(directory, ["-device", "piix3-usb-uhci",
                                             "-device", "usb-serial,chardev=line,always-plugged=on"])
    machine = boot(line_image(["uhci_hcd", "usbserial", "ftdi_sio"]), "rd.gdbdebug=ttyUSB0,wait", devices=devices)
    machine.wait_for(READY, 90)
    stands_at_start(gdb(), path, machine)


def test_modules_are_loaded_by_name(boot, gdb, directory, helper):
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-device",
                                             "virtserialport,chardev=line,name=gdb"])
    machine = boot(line_image(["virtio_pci", "virtio_console", "dummy"]),
                   "rd.gdbdebug=virtio:gdb,wait,modules=dummy:not_there", devices=devices)
    machine.wait_for(r"gdbdebug: loading the kernel module 'not_there': it has failed; going on without it")
    machine.wait_for(READY)
    stands_at_start(gdb(), path, machine)


def test_a_virtio_port_that_is_not_there_boots_on(boot, helper):
    machine = boot(line_image(["virtio_pci", "virtio_console"]), "rd.gdbdebug=virtio:gdb,wait",
                   devices=["-device", "virtio-serial-pci"])
    machine.wait_for(r"gdbdebug: opening the line 'gdb': no virtio-serial port has that name; waiting")
    machine.wait_for(r"gdbdebug: opening the line 'gdb': no virtio-serial port has that name; booting", 90)
    machine.report()
    assert machine.wait_end() == "poweroff"


# ---- networks ----

CARDS = {"virtio": ("virtio-net-pci", ["virtio_pci", "virtio_net", "af_packet"]),
         "e1000": ("e1000", ["e1000", "af_packet"])}


def network(card="virtio", guest_port=2345):
    """QEMU's user network, its port on loopback, and the modules of the card."""
    device, modules = CARDS[card]
    port = free_port()
    return port, modules, ["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:{guest_port}",
                           "-device", f"{device},netdev=net,mac=52:54:00:12:34:56,id=card"]


@pytest.mark.parametrize("card,ip,address", [
    ("virtio", "dhcp", "10.0.2.15"),
    ("e1000", "10.0.2.15::10.0.2.2:255.255.255.0::eth0:none", "10.0.2.15"),
    ("virtio", "10.0.2.15::10.0.2.2:24::52-54-00-12-34-56:none", "10.0.2.15"),
])
def test_tcp_with_an_address(boot, gdb, helper, card, ip, address):
    port, modules, devices = network(card)
    machine = boot(line_image(modules, "net", network=True),
                   f"rd.gdbdebug=tcp:2345,wait,insecure rd.gdbdebug.ip={ip}", devices=devices)
    line = machine.wait_for(READY, 90).group(1)
    assert line == f"tcp:2345 of eth0 (in gdb: target remote {address}:2345)"
    stands_at_start(gdb(), f"127.0.0.1:{port}", machine)


def test_tcp_by_the_link_local_address_alone(boot, gdb, helper):
    """gdb comes in over a tap interface, with the very words that the console says."""
    if os.geteuid() != 0 or not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("needs root and /dev/net/tun")
    need("ip")
    tap = f"gdbd{os.getpid() % 100000}"
    subprocess.run(["ip", "tuntap", "add", tap, "mode", "tap"], check=True)
    try:
        subprocess.run(["ip", "link", "set", tap, "up"], check=True)
        machine = boot(line_image(CARDS["virtio"][1], "net", network=True), "rd.gdbdebug=tcp:2345,wait,insecure",
                       devices=["-netdev", f"tap,id=net,ifname={tap},script=no,downscript=no",
                                "-device", "virtio-net-pci,netdev=net"])
        line = machine.wait_for(READY, 90).group(1)
        address = re.search(r"target remote (\[fe80::[0-9a-f:]+)%IFACE\]:2345, where IFACE", line).group(1)
        stands_at_start(gdb(), f"tcp6:{address}%{tap}]:2345", machine)
    finally:
        subprocess.run(["ip", "link", "del", tap], check=False)


def test_tcp_lets_one_debugger_in_and_refuses_a_second(boot, gdb, helper):
    port, modules, devices = network()
    machine = boot(line_image(modules, "net", network=True), "rd.gdbdebug=tcp:2345,wait,insecure ip=dhcp",
                   devices=devices)
    machine.wait_for(READY, 90)
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port), scaled(10)) as second:
        second.settimeout(scaled(10))
        answer = b""
        while not answer.endswith(b"\n"):
            more = second.recv(200)
            assert more, f"closed after {answer!r}"
            answer += more
        assert answer == b"gdbdebug: another debugger is connected; try again when it has gone\r\n"
        assert second.recv(1) == b""
    assert_at_start(debugger, linker())
    debugger.kill()
    stands_at_start(gdb(), f"127.0.0.1:{port}", machine)


def test_strangers_are_closed_without_a_byte(boot, helper):
    port, modules, devices = network()
    machine = boot(line_image(modules, "net", network=True),
                   "rd.gdbdebug=tcp:2345,wait=5,from=192.0.2.0/24,from=2001:db8::/32 ip=dhcp", devices=devices)
    machine.wait_for(r"gdbdebug: ready on tcp:2345", 90)
    with socket.create_connection(("127.0.0.1", port), scaled(10)) as stranger:
        stranger.settimeout(scaled(10))
        try:
            assert stranger.recv(1) == b""
        except ConnectionResetError:
            pass
    machine.report()
    assert machine.wait_end() == "poweroff"


def test_the_cable_is_pulled_in_a_session_and_plugged_in_again(boot, gdb, helper):
    port, modules, devices = network()
    machine = boot(line_image(modules, "net", network=True), "rd.gdbdebug=tcp:2345,wait,insecure ip=dhcp",
                   devices=devices)
    machine.wait_for(READY, 90)
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(f"127.0.0.1:{port}")
    machine.execute("set_link", name="card", up=False)
    debugger.kill()
    machine.execute("set_link", name="card", up=True)
    # The machine refuses a second debugger until it has learned that the first is gone: from the repeated FIN, or
    # after half a minute from keepalive (helper/line/listener.hpp).
    wait_until_free(port)
    stands_at_start(gdb(), f"127.0.0.1:{port}", machine)


def test_an_image_without_the_network_says_so(boot, helper):
    machine = boot(probe_image(configuration='lines="serial"\n'), "rd.gdbdebug=tcp:2345,wait,insecure")
    machine.wait_for(r"gdbdebug: opening the line 'tcp:2345': the image was built with lines=\"serial\" in "
                     r"/etc/gdbdebug.conf; build it with lines=net, or ssh; booting without a debugger")
    machine.report()
    assert machine.wait_end() == "poweroff"


def ssh_command(keys, name, port, *more):
    return ["ssh", "-F", "none", "-p", str(port), "-i", str(keys / name), "-o", "IdentitiesOnly=yes",
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", *more, "root@127.0.0.1"]


def ssh_machine(boot, keys):
    port, modules, devices = network(guest_port=2222)
    files = {name: keys / name for name in ("host_key", "authorized_keys", "fingerprint")}
    machine = boot(line_image(modules, "net ssh", network=True, keys=files),
                   "rd.gdbdebug=ssh:2222,wait rd.gdbdebug.ip=dhcp", devices=[*devices, "-device", "virtio-rng-pci"])
    fingerprint = (keys / "fingerprint").read_text().strip()
    line = machine.wait_for(READY, 90).group(1)
    assert line == f"ssh:2222 of eth0 (in gdb: target remote | ssh -p 2222 root@10.0.2.15; host key {fingerprint})"
    return machine, port


def test_ssh_with_the_key_and_nothing_but_the_line(boot, directory, keys, helper):
    machine, port = ssh_machine(boot, keys)
    # A stranger's key is refused, and so is everything but the line: a command, a terminal, a forwarded port.
    refused = subprocess.run(ssh_command(keys, "stranger", port), stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=scaled(60), check=False)
    assert refused.returncode == 255 and "Permission denied" in refused.stderr, refused
    asked = subprocess.run([*ssh_command(keys, "user", port), "echo", "a-shell"], input="\n", capture_output=True,
                           text=True, timeout=scaled(60), check=False)
    assert asked.stdout.startswith("gdbdebug version=") and "a-shell" not in asked.stdout, asked
    command = " ".join(ssh_command(keys, "user", port))
    text = gdb_batch(directory, ["set sysroot", f"target remote | {command}", "output/x $pc", "detach"],
                     arguments=(str(PROBE),))
    assert re.search(r"_start|in \?\? \(\)", text), text
    machine.report()
    assert machine.wait_end() == "poweroff"


def test_an_image_without_a_key_says_so(boot, helper):
    machine = boot(line_image(CARDS["virtio"][1], "net", network=True), "rd.gdbdebug=ssh,wait ip=dhcp")
    machine.wait_for(r"gdbdebug: preparing SSH '/usr/lib/gdbdebug/ssh/dropbear': the image has no SSH server; "
                     r"it must be built with lines=ssh; booting without a debugger")
    machine.report()
    assert machine.wait_end() == "poweroff"


def test_vsock_through_the_loopback_in_the_guest(boot, gdb, helper):
    """Many machines have no vhost-vsock: the peer is a child of PID 1 that carries vsock to the second serial port."""
    need("socat", "busybox")

    def change(tree):
        tree.program("/bin/busybox", shutil.which("busybox"))
        tree.link("/bin/sh", "busybox")
        tree.program("/bin/socat", shutil.which("socat"))
        tree.entries.pop(image.REAL_INIT)
        tree.character_device("/dev/ttyS1", 4, 65)
        tree.character_device("/dev/null", 1, 3)
        tree.add(image.REAL_INIT, """#!/bin/sh
(until /bin/socat -d -d VSOCK-CONNECT:1:2345 /dev/ttyS1,raw,echo=0,clocal; do /bin/busybox sleep 0.2; done) &
while :; do /bin/busybox sleep 1; done
""", 0o755)
    machine = boot(line_image(["vsock", "vsock_loopback"], "vsock", change=change), "rd.gdbdebug=vsock:2345")
    machine.wait_for(r"gdbdebug: ready on vsock:2345; PID 1 runs; a debugger can attach at any time")
    machine.wait_for("starting data transfer loop")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(machine.debug))
        line.settimeout(scaled(30))
        line.sendall(b"\n")
        assert re.match(rb"gdbdebug .*state=running pid=1 exe=/bin/busybox", line.makefile("rb").readline())
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(machine.debug)
    debugger.command("info registers rip" if os.uname().machine == "x86_64" else "info registers pc")
    with pytest.raises(GdbError):
        debugger.command("monitor kill-nothing-of-the-kind")
    debugger.command("detach")
