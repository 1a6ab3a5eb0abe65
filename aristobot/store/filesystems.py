"""On what kind of file system a folder lies: SQLite keeps its promises only where locks and shared memory are real.

On a network share several machines see one file, but neither its locks nor the shared memory of the write-ahead log reach from
one to the other (sqlite.org, "Write-Ahead Logging": all processes must be on the same host; "How To Corrupt": filesystems with
broken or missing lock implementations).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath, PurePosixPath

_MOUNTINFO = Path("/proc/self/mountinfo")
_MOUNT_COMMAND = "/sbin/mount"
_REMOTE_DRIVE = 4  # GetDriveTypeW: DRIVE_REMOTE
#: What the kernel or a FUSE program calls a file system whose files lie on another machine.
_REMOTE = re.compile(
    "network|nfs4?|cifs|smb[23fs]*|smbnetfs|ncpfs|afp.*|afs|kafs|acfs|coda|ceph|ceph-fuse|lustre|gpfs|beegfs|glusterfs|orangefs|"
    "panfs|pvfs2|moosefs|mfs|juicefs|seaweedfs|davfs2?|webdav|ftp|curlftpfs|httpfs|sshfs|rclone|s3fs|s3ql|goofys|gcsfuse|"
    "google-drive-ocamlfuse|gvfsd-fuse|kio-fuse"
)
#: Folders that a host hands to a guest (WSL, Docker Desktop, virtual machines): whether locks are real depends on the host.
_DOUBTFUL = re.compile("9p|drvfs|fakeowner|grpcfuse|osxfs|prl_fsd?|vboxsf|virtiofs|vmhgfs|vmhgfs-fuse")
#: FUSE programs on local disks, with the kernel's own locks.
_LOCAL_FUSE = re.compile("fuseblk|bindfs|encfs|gocryptfs|lxcfs|mergerfs|ntfs-3g|zfs-fuse")
_FUSE = ("fuse", "macfuse", "osxfuse")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_MAC_MOUNT = re.compile(r".* on (/.*) \(([^,)]+)[,)]")


class Nature(StrEnum):
    """Whether SQLite may live there."""

    LOCAL = "local"
    DOUBTFUL = "doubtful"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Mount:
    """A place in the tree, and the kind of file system that begins there."""

    point: PurePosixPath
    kind: str


def nature_of(kind: str) -> Nature:
    """What a kind of file system, as `filesystem_of` names it, is to SQLite. An unknown kind counts as local."""
    family, _, program = kind.lower().partition(".")
    through_fuse = family in _FUSE
    name = (through_fuse and program) or kind.lower()
    if _REMOTE.fullmatch(name):
        return Nature.REMOTE
    unknown = through_fuse and not _LOCAL_FUSE.fullmatch(name)
    return Nature.DOUBTFUL if unknown or _DOUBTFUL.fullmatch(name) else Nature.LOCAL


def filesystem_of(folder: Path) -> str:
    """The kind of file system under a folder that may not be there yet: `ext4`, `nfs4`, `fuse.sshfs`; "" when nobody knows.

    Windows tells no more than whether the drive is a `network` drive. Reads a few lines; on macOS it starts a process.
    """
    try:
        place = folder.resolve()
        if sys.platform == "win32":
            return _of_windows(place)
        mounts = mac_mounts(_said_by_mac()) if sys.platform == "darwin" else linux_mounts(_MOUNTINFO.read_text("utf-8"))
        return kind_at(place, mounts)
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError):
        return ""


def kind_at(place: PurePath, mounts: Iterable[Mount]) -> str:
    """The kind of the deepest mount above a place; of several at one point the last, which hides the others."""
    deepest, kind = -1, ""
    for mount in mounts:
        depth = len(mount.point.parts)
        if depth >= deepest and place.is_relative_to(mount.point):
            deepest, kind = depth, mount.kind
    return kind


def linux_mounts(text: str) -> Iterator[Mount]:
    """The mounts of `/proc/self/mountinfo` (proc_pid_mountinfo(5)): a lone hyphen ends a varying number of optional fields."""
    for line in text.splitlines():
        before, hyphen, after = line.partition(" - ")
        place, kind = before.split(" ")[4:5], after.split(" ")[:1]
        if hyphen and place and kind[0]:
            yield Mount(PurePosixPath(_unescaped(place[0])), _unescaped(kind[0]))


def mac_mounts(text: str) -> Iterator[Mount]:
    """The mounts that `mount` lists on macOS: `//ann@nas/share on /Volumes/share (smbfs, nodev, nosuid)`."""
    for line in text.splitlines():
        if (found := _MAC_MOUNT.match(line)) is not None:
            yield Mount(PurePosixPath(found[1]), found[2])


def _unescaped(field: str) -> str:
    """Spaces, tabs, line ends and backslashes are written in octal."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)


def _said_by_mac() -> str:
    return subprocess.run([_MOUNT_COMMAND], capture_output=True, text=True, timeout=5, check=True).stdout


def _of_windows(place: Path) -> str:
    if sys.platform != "win32":
        return ""
    import ctypes

    on_share = place.drive.startswith("\\\\")
    return "network" if on_share or ctypes.windll.kernel32.GetDriveTypeW(place.anchor) == _REMOTE_DRIVE else ""
