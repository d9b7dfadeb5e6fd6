# SPDX-License-Identifier: GPL-2.0-or-later
"""Network lines in a network namespace of their own: interfaces, addresses, and who has the line.

The real helper as PID 1 of a namespace (see boot.cpp), with cards that the kernel can make: ifb has a carrier as soon
as it is up, a tap interface that no program has open never has one.
"""

import ctypes
import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager

import pytest
from test_sessions import BUILD, PATIENCE, Stub, load_matrix, until

CLONE_NEWNET = 0x40000000
PORT = 2345

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and filters need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("gdb", "gdbserver", "ip", "nsenter", "unshare"))),
                       reason="no gdb, gdbserver, ip, nsenter or unshare"),
    pytest.mark.skipif(not (BUILD / "tests/fault/fault-session").exists(), reason="fault-session is not built"),
]


class Network:
    """A network namespace, as long as this object is open."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        here = os.readlink("/proc/self/ns/net")
        until("the network namespace", lambda: self.name() not in (here, None))
        self.ip("link", "set", "lo", "up")

    def name(self):
        try:
            return os.readlink(f"/proc/{self.holder.pid}/ns/net")
        except OSError:
            return None

    def command(self, *words):
        return ["nsenter", "--net", f"--target={self.holder.pid}", *map(str, words)]

    def ip(self, *words):
        done = subprocess.run(self.command("ip", *words), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"ip {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def add(self, kind, name, *words):
        self.ip("link", "add", name, *words, "type", kind)

    def are_up(self):
        links = json.loads(self.ip("-json", "link", "show"))
        return {link["ifname"] for link in links if "UP" in link["flags"]} - {"lo"}

    @contextmanager
    def inside(self):
        """This thread is in the namespace: sockets that it makes belong there, and stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as here, open(f"/proc/{self.holder.pid}/ns/net", "rb") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(here.fileno(), CLONE_NEWNET)

    def connect(self, host="127.0.0.1"):
        with self.inside():
            line = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            line.settimeout(PATIENCE)
            line.connect((host, PORT))
        except OSError:
            line.close()
            return None
        return line

    def close(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def network():
    made = Network()
    yield made
    made.close()


@pytest.fixture
def boot(network, tmp_path):
    """boot(COMMAND LINE): a machine that runs on, at whose line the test says who comes."""
    made = []
    matrix = load_matrix().Matrix(BUILD, tmp_path, 3600)
    shutil.copy(BUILD / "helper/gdbdebug-agent-net", matrix.root / "usr/lib/gdbdebug/gdbdebug-agent")
    shutil.copy(BUILD / "tests/fault/fault-session", matrix.root / "usr/lib/gdbdebug/init")

    def make(line):
        words = matrix.command("wait", "--socket", str(tmp_path / "unused"), "--command-line", line)
        made.append(subprocess.Popen(network.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.kill()  # and with it PID 1
        supervisor.communicate(timeout=PATIENCE)


@pytest.fixture
def booted(network, tmp_path):
    """booted(COMMAND LINE): what the log of a whole boot says; it waits a second for a debugger."""
    def make(line):
        matrix = load_matrix().Matrix(BUILD, tmp_path, PATIENCE * 2)
        shutil.copy(BUILD / "helper/gdbdebug-agent-net", matrix.root / "usr/lib/gdbdebug/gdbdebug-agent")
        done = subprocess.run(network.command(*matrix.command("wait=1", "--command-line", line)), capture_output=True,
                              text=True, timeout=PATIENCE * 4, check=False, stdin=subprocess.DEVNULL)
        result = json.loads(done.stdout)
        assert result["lost"] == "", result
        return "".join(record.split(">", 1)[1] for record in result["log"])

    return make


class Peer(Stub):
    """Somebody at the line over TCP."""

    def __init__(self, network):
        self.socket = until("the line", network.connect)
        self.bytes = b""

    def text(self):
        """All that comes until the other side closes."""
        self.socket.settimeout(PATIENCE)
        parts = []
        try:
            while more := self.socket.recv(4096):
                parts.append(more)
        except ConnectionResetError:
            pass
        return b"".join(parts)


REFUSAL = b"gdbdebug: another debugger is connected; try again when it has gone\r\n"


def test_who_says_nothing_gives_way_to_a_debugger(network, boot):
    network.add("ifb", "eth0")
    boot(f"rd.gdbdebug=tcp:{PORT},wait,insecure")
    silent = [Peer(network) for _ in range(3)]
    debugger = Peer(network)
    debugger.session()
    assert silent[0].text() == REFUSAL, "it is told why"


def test_who_only_asks_for_the_hello_gives_way_to_a_debugger(network, boot):
    network.add("ifb", "eth0")
    boot(f"rd.gdbdebug=tcp:{PORT},wait,insecure")
    asking = Peer(network)
    asking.socket.sendall(b"\n")
    assert asking.socket.recv(8) == b"gdbdebug"
    debugger = Peer(network)
    debugger.session()


def test_who_asks_for_the_hello_gets_it_in_the_place_of_who_says_nothing(network, boot):
    network.add("ifb", "eth0")
    boot(f"rd.gdbdebug=tcp:{PORT},wait,insecure")
    silent = Peer(network)
    asking = Peer(network)
    asking.socket.sendall(b"\n")
    assert asking.socket.recv(8) == b"gdbdebug"
    assert silent.text() == REFUSAL


def test_a_session_does_not_give_way(network, boot):
    network.add("ifb", "eth0")
    boot(f"rd.gdbdebug=tcp:{PORT},wait,insecure")
    debugger = Peer(network)
    assert b"PacketSize=" in debugger.ask(b"qSupported:multiprocess+")
    for words in (b"", b"\n", b"$qSupported#37"):
        other = Peer(network)
        other.socket.sendall(words)
        assert other.text() == REFUSAL
    assert debugger.ask(b"?").startswith(b"T")
    assert debugger.ask(b"D;1") == b"OK"


# ---- interfaces and addresses ----

def cards(network):
    """eth0 never has a carrier, eth1 was up already and has none either, eth2 has one as soon as it is up."""
    network.ip("tuntap", "add", "eth0", "mode", "tap")
    network.ip("tuntap", "add", "eth1", "mode", "tap")
    network.ip("link", "set", "eth1", "up")
    network.add("ifb", "eth2")


def test_only_the_interface_in_use_stays_up(network, booted):
    cards(network)
    log = booted(f"rd.gdbdebug=tcp:{PORT},wait=1,insecure")
    assert f"ready on tcp:{PORT} of eth2 (" in log
    assert network.are_up() == {"eth1", "eth2"}, "eth1 was up before"


def test_an_interface_without_an_address_goes_down_again(network, booted):
    network.add("ifb", "eth0")
    network.ip("link", "set", "eth0", "addrgenmode", "none")
    log = booted(f"rd.gdbdebug=tcp:{PORT},wait=1,insecure")
    assert "the interface has no address" in log
    assert network.are_up() == set()


def test_a_loopback_address_needs_no_interface(network, booted):
    network.add("ifb", "eth0")
    network.ip("link", "set", "lo", "down")
    log = booted(f"rd.gdbdebug=tcp:127.0.0.1:{PORT},wait=1,insecure")
    assert f"ready on tcp:127.0.0.1:{PORT} of lo (in gdb: target remote 127.0.0.1:{PORT})" in log
    assert network.are_up() == set()


STATIC = "192.0.2.7::192.0.2.1:255.255.255.0"


@pytest.mark.parametrize("ip, says, where", [
    ("enp1s0:none", "'enp1s0': ip= names an interface that is not there; there are: eth0; using the only one there is",
     "fe80::"),
    (f"{STATIC}::enp1s0:none", "using the only one there is", "192.0.2.7"),
    ("[2001:db8::7]::[2001:db8::1]:64::eth0:none", "an IPv6 address cannot be set here; the link-local address is "
     "there by itself; ignoring it for the debug line", "fe80::"),
    (f"{STATIC}::eth0:sometimes", "no such way to configure a network", "fe80::"),
    ("nonsense", "ignoring it for the debug line; rd.gdbdebug.ip= sets another", "fe80::"),
    ("none", "", "fe80::"),
])
def test_an_ip_for_others_that_does_not_fit_is_ignored(network, booted, ip, says, where):
    network.add("ifb", "eth0")
    log = booted(f"rd.gdbdebug=tcp:{PORT},wait=1,insecure ip={ip}")
    assert says in log
    assert f"ready on tcp:{PORT} of eth0 (in gdb: target remote " in log
    assert where in log.split("target remote")[1]


def test_an_ip_for_others_that_names_one_of_several_interfaces_is_not_guessed_at(network, booted):
    cards(network)
    log = booted(f"rd.gdbdebug=tcp:{PORT},wait=1,insecure ip={STATIC}::enp1s0:none")
    assert "is not there; there are: " in log and "ignoring ip=, and using any with a carrier" in log
    assert f"ready on tcp:{PORT} of eth2 (in gdb: target remote [fe80::" in log
    assert "192.0.2.7" not in network.ip("address")


def test_an_own_ip_that_is_wrong_ends_the_session(network, booted):
    network.add("ifb", "eth0")
    log = booted(f"rd.gdbdebug=tcp:{PORT},wait=1,insecure rd.gdbdebug.ip=nonsense ip=none")
    assert "reading ip= 'nonsense': no IPv4 address; expected four numbers; booting without a debugger" in log
    assert network.are_up() == set()


def test_a_link_local_address_beside_an_ipv4_address(network, booted):
    """The kernel looks for a second whether somebody else has it, which is longer than the IPv4 address takes."""
    network.add("ifb", "eth0")
    network.add("veth", "eth1", "address", "52:54:00:12:34:56")
    network.ip("link", "set", "veth0", "up")
    address = "fe80::5054:ff:fe12:3456"
    log = booted(f"rd.gdbdebug=tcp:[{address}%eth1]:{PORT},wait=1,insecure ip={STATIC}:::none")
    assert f"of eth1 (in gdb: target remote [{address}%IFACE]:{PORT}, where IFACE is your own interface)" in log
    assert "192.0.2.7" in network.ip("address", "show", "eth1")
    assert network.are_up() == {"eth1", "veth0"}
