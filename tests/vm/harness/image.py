# SPDX-License-Identifier: GPL-2.0-or-later
"""Initramfs images: small ones made by hand in memory, and real ones made by dracut. Both are kept in the cache under a
key of everything that went into them, so that a test that runs again starts at once, and a changed helper is never
missed."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from .environment import BUILD, CACHE, ROOT, SYSROOT, kernel, scaled
from .target import libraries_of

REAL_INIT = "/usr/lib/gdbdebug/init"
MANIFEST = "/usr/lib/gdbdebug/files"
CONFIGURATION = "/etc/gdbdebug.conf"
HELPER = BUILD / "helper" / "gdbdebug-init"
AGENT = BUILD / "helper" / "gdbdebug-agent"
AGENT_IN_IMAGE = "/usr/lib/gdbdebug/gdbdebug-agent"
GDBSERVER = SYSROOT / "usr/bin/gdbserver"


class Image:
    """A tree of files in memory that becomes a cpio archive of the kernel's "newc" form. Needs no root: owners are 0
    and devices are only numbers."""

    def __init__(self):
        self.entries = {}

    def directory(self, path):
        if path not in ("", "/"):
            self.directory(os.path.dirname(path))
            self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b"", 0))

    def add(self, path, content, mode=0o644):
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, content.encode() if isinstance(content, str) else content, 0)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode(), 0)

    def character_device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFCHR | 0o600, b"", major << 16 | minor)

    def program(self, path, source):
        """A program with its libraries; returns the names of all of them in the image."""
        self.add(path, Path(source).read_bytes(), 0o755)
        names = [path]
        for name, file in libraries_of(source):
            self.add(name, Path(file).read_bytes(), 0o755)
            names.append(name)
        return names

    def archive(self):
        out = []
        for number, path in enumerate(sorted(self.entries), 1):
            mode, content, device = self.entries[path]
            out.append(self._entry(number, path.lstrip("/"), mode, content, device))
        out.append(self._entry(0, "TRAILER!!!", 0, b"", 0))
        return b"".join(out)

    @staticmethod
    def _entry(number, name, mode, content, device):
        # newc: 13 fields of 8 hex digits (inode, mode, uid, gid, links, time, size, device, rdev, length of the name,
        # checksum); name and content are padded to 4 bytes. Kernel: driver-api/early-userspace/buffer-format.rst
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, device >> 16, device & 0xFFFF, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)

    def save(self):
        """The file of this archive in the cache."""
        archive = self.archive()
        path = CACHE / "images" / f"{hashlib.sha256(archive).hexdigest()[:24]}.cpio"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            prune(path.parent)
            write_atomically(path, archive)
        else:
            os.utime(path)
        return path


def write_atomically(path, content):
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


@contextlib.contextmanager
def making(path):
    """Of tests in parallel, one makes a folder in the cache, and the others wait: a folder takes no other's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / f".{path.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prune(folder, keep=60):
    """Forgets the images that were not used for longest; hidden files are locks, and folders that are being made."""
    images = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for old in sorted(images, key=lambda path: path.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def thread_db():
    """libthread_db is opened by name at run time, so that no tool finds it by itself; None where there is none."""
    for name, file in libraries_of(GDBSERVER):
        if Path(name).name.startswith("libc.so"):
            candidate = Path(file).parent / "libthread_db.so.1"
            if candidate.exists():
                return str(Path(name).parent / "libthread_db.so.1"), candidate
    return None


def probe_image(helper=True, gdbserver=True, probe="probe", configuration=None, change=None):
    """An image whose real init is the probe, laid out as a generator module leaves it: /init is the helper, the link
    that was /init leads from /usr/lib/gdbdebug/init to the same file. `change` gets the Image before it is saved."""
    image = Image()
    for path in ("/proc", "/sys", "/dev", "/run", "/root", "/tmp"):
        image.directory(path)
    # A console node as in every image made by a generator: without it PID 1 starts with no descriptors at all.
    image.character_device("/dev/console", 5, 1)
    image.character_device("/dev/kmsg", 1, 11)
    image.program("/usr/bin/probe", BUILD / "tests" / "vm" / probe)
    image.link(REAL_INIT, "../../bin/probe")
    manifest = ["# what the agent needs in a root of its own", AGENT_IN_IMAGE]
    image.add(AGENT_IN_IMAGE, AGENT.read_bytes(), 0o755)
    if gdbserver:
        manifest += image.program("/usr/bin/gdbserver", GDBSERVER)
        if thread_db():
            name, file = thread_db()
            image.add(name, file.read_bytes(), 0o755)
            manifest.append(name)
    image.add(MANIFEST, "\n".join(manifest) + "\n")
    image.add(CONFIGURATION, configuration or "# gdbdebug: nothing is set\n")
    if helper:
        image.add("/init", HELPER.read_bytes(), 0o755)
    else:
        image.link("/init", REAL_INIT.lstrip("/"))
    if change:
        change(image)
    return image.save()


def published_method(image, messages=""):
    """Changes an image so that its /init is the shell script that people put there today. It hopes that gdbserver is
    attached after a second. What gdbdebug is measured against; needs busybox. messages: where gdbserver's go."""
    image.program("/bin/busybox", shutil.which("busybox"))
    for applet in ("sh", "mount", "mkdir", "sleep"):
        image.link(f"/bin/{applet}", "busybox")
    redirection = f" 2>{messages}" if messages else ""
    image.add("/init", f"""#!/bin/sh
mkdir -p /proc /dev
mount -t proc proc /proc
mount -t devtmpfs dev /dev
/usr/bin/gdbserver --attach /dev/ttyS1 $${redirection} &
sleep 1
exec /usr/lib/gdbdebug/init "$@"
""", 0o755)


# What every slim image of dracut has here. Without the network modules, which Debian 12's dracut-network drags in.
SYSTEMD_MODULES = "base systemd systemd-initrd dracut-systemd shutdown fs-lib udev-rules"
SHELL_MODULES = "base fs-lib udev-rules rootfs-block shutdown"


def key_of(*parts):
    """A key of strings and of files' contents (Path: a file, or each file of a folder)."""
    digest = hashlib.sha256()
    for part in parts:
        files = [part] if not isinstance(part, Path) else sorted(part.rglob("*")) if part.is_dir() else [part]
        for file in files:
            content = str(file).encode() if not isinstance(file, Path) else file.read_bytes() if file.is_file() else b""
            digest.update(b"%d " % len(content) + content)
    return digest.hexdigest()[:24]


def install_tree():
    """The product installed as a package would install it (DESTDIR), in the cache under a key of what is built."""
    modules = [ROOT / name for name in ("generators", "dracut", "mkinitcpio", "initramfs-tools", "boot-menu")]
    tree = CACHE / "install" / key_of(HELPER, AGENT, BUILD / "helper" / "gdbdebug-agent-net", *modules, str(BUILD))
    with making(tree):
        if not tree.exists():
            with tempfile.TemporaryDirectory(prefix=".new-", dir=tree.parent) as scratch:
                subprocess.run(["cmake", "--install", str(BUILD)], env={**os.environ, "DESTDIR": f"{scratch}/tree"},
                               stdout=subprocess.DEVNULL, check=True, timeout=scaled(120))
                prune(tree.parent, 10)
                os.rename(f"{scratch}/tree", tree)
    return tree


def dracut_base(scratch, tree):
    """A dracut base folder of this machine's modules, in links, and of ours: nothing is installed on this machine. Ours
    is a copy of the installed one that looks for its other files in `tree`, where they are, and not in /usr."""
    base = Path(scratch) / "dracut-base"
    (base / "modules.d").mkdir(parents=True)
    for entry in Path("/usr/lib/dracut").iterdir():
        if entry.name != "modules.d":
            (base / entry.name).symlink_to(entry)
    for module in tree.glob("usr/lib/dracut/modules.d/*") if tree else []:
        shutil.copytree(module, base / "modules.d" / module.name)
        for script in (base / "modules.d" / module.name).iterdir():
            script.write_text(script.read_text().replace("/usr/libexec/gdbdebug", f"{tree}/usr/libexec/gdbdebug"))
    for module in Path("/usr/lib/dracut/modules.d").iterdir():
        if not (base / "modules.d" / module.name).exists():
            (base / "modules.d" / module.name).symlink_to(module)
    return base


def readable_cpio(scratch):
    """A folder for DRACUT_PATH with a cpio that an ordinary user's dracut needs: systemd-sysusers (from 257 on) makes
    etc/shadow with mode 000, which root reads all the same. dracut calls cpio in the image's tree."""
    folder = Path(scratch) / "bin"
    folder.mkdir()
    (folder / "cpio").write_text('#!/bin/sh\nchmod -f u+r etc/shadow etc/gshadow\n'
                                 f'exec {shutil.which("cpio")} "$@"\n')
    (folder / "cpio").chmod(0o755)
    return folder


def dracut_image(modules=SYSTEMD_MODULES, arguments=(), with_gdbdebug=True, configuration=None, drivers=""):
    """A real image of the newest kernel, made by this machine's dracut with our module as it is installed.
    Raises subprocess.CalledProcessError with dracut's output when it could not be made."""
    version, _ = kernel()
    tree = install_tree() if with_gdbdebug else None
    command = ["dracut", "--force", "--conf", "/dev/null", "--no-hostonly", "--no-hostonly-cmdline",
               "--gzip", "--kver", version, "--drivers", drivers,
               "--modules", modules + (" gdbdebug" if with_gdbdebug else ""), *arguments]
    packages = Path("/var/lib/dpkg/status")
    key = key_of(" ".join(command), tree.name if tree else "", configuration or "",
                 packages if packages.exists() else "")
    path = CACHE / "images" / f"{key}.img"
    if path.exists():
        os.utime(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    prune(path.parent)
    with tempfile.TemporaryDirectory(prefix="gdbdebug-dracut-") as scratch:
        result = Path(scratch) / "image"
        (Path(scratch) / "gdbdebug.conf").write_text(configuration or "")
        (Path(scratch) / "no-configuration").mkdir()
        environment = {**os.environ, "LC_ALL": "C", "dracutbasedir": str(dracut_base(scratch, tree)),
                       "GDBDEBUG_CONF": f"{scratch}/gdbdebug.conf"}
        command += ["--confdir", f"{scratch}/no-configuration", "--tmpdir", scratch, str(result)]
        if os.geteuid():
            # dracut makes its PATH of this, whatever PATH was; these are its defaults.
            environment["DRACUT_PATH"] = f"{readable_cpio(scratch)} /sbin /bin /usr/sbin /usr/bin"
        run = subprocess.run(command, env=environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=scaled(300))
        if run.returncode or not result.exists():
            raise subprocess.CalledProcessError(run.returncode, command, run.stdout)
        os.chmod(result, 0o644)
        shutil.copyfile(result, f"{path}.{os.getpid()}")
        os.replace(f"{path}.{os.getpid()}", path)
    return path
