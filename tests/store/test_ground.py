"""Where SQLite may live, and what is said of a ground that is not sound."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from aristobot.errors import ConfigurationError
from aristobot.language import explain
from aristobot.store.filesystems import Mount, Nature, filesystem_of, kind_at, linux_mounts, mac_mounts, nature_of
from aristobot.store.ground import refuse_network_share, weaknesses
from services.cli import exit_code

LINUX = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,relatime shared:1 master:7 propagate_from:2 - ext4 /dev/sda1 rw,errors=remount-ro
40 27 0:45 / /home rw,relatime shared:20 - btrfs /dev/sdb1 rw,subvol=/home
41 40 0:50 / /home/ann/nas rw,relatime - nfs4 nas:/export rw,vers=4.2,addr=192.168.1.9
42 40 0:51 / /home/ann/my\040share\011tab\134slash rw - cifs //nas/share rw
43 40 0:52 / /home/ann/remote rw,nosuid - fuse.sshfs ann@host:/srv rw,user_id=1000
44 27 0:53 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync
45 27 0:54 / /mnt/auto rw - autofs systemd-1 rw
46 45 0:55 / /mnt/auto rw - nfs nas:/auto rw
48 27 0:56 / /mnt/win rw - fuseblk /dev/sdd1 rw
a line that is none
"""

MAC = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//ann@nas._smb._tcp.local/My%20share on /Volumes/My share (1) (smbfs, nodev, nosuid, mounted by ann)
nas:/export on /Volumes/on nfs (nfs)
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/aristobot", "ext4"),
        ("/home/ann/aristobot", "btrfs"),
        ("/home/ann/nas", "nfs4"),
        ("/home/ann/nas/deep/down", "nfs4"),
        ("/home/ann/nasal", "btrfs"),
        ("/home/ann/my share\ttab\\slash/x", "cifs"),
        ("/home/ann/remote/data", "fuse.sshfs"),
        ("/mnt/c/Users/Ann", "9p"),
        ("/mnt/auto/data", "nfs"),
        ("/mnt/win", "fuseblk"),
        ("/proc/self", "proc"),
    ],
)
def test_the_kind_under_a_folder_is_that_of_its_deepest_and_latest_mount(place: str, kind: str) -> None:
    assert kind_at(PurePosixPath(place), linux_mounts(LINUX)) == kind


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/Users/ann", "apfs"),
        ("/System/Volumes/Data/home/ann", "autofs"),
        ("/Volumes/My share (1)/x", "smbfs"),
        ("/Volumes/on nfs", "nfs"),
    ],
)
def test_a_mac_tells_its_mounts_in_other_words(place: str, kind: str) -> None:
    assert kind_at(PurePosixPath(place), mac_mounts(MAC)) == kind


def test_without_any_mount_nothing_is_known() -> None:
    assert kind_at(PurePosixPath("/data"), []) == kind_at(PurePosixPath("/data"), [Mount(PurePosixPath("/other"), "nfs")]) == ""


@pytest.mark.parametrize(
    ("nature", "kinds"),
    [
        (Nature.LOCAL, "ext4 xfs btrfs zfs apfs tmpfs overlay fuseblk fuse.gocryptfs f2fs exfat ntfs3"),
        (Nature.REMOTE, "nfs nfs4 cifs smb3 smbfs afpfs webdav ceph lustre fuse.sshfs fuse.rclone fuse.s3fs NFS network"),
        (Nature.DOUBTFUL, "9p virtiofs vboxsf fuse.grpcfuse fuse fuse.something-new macfuse.other"),
    ],
)
def test_every_kind_is_local_remote_or_doubtful(nature: Nature, kinds: str) -> None:
    assert {kind: nature_of(kind) for kind in kinds.split()} == dict.fromkeys(kinds.split(), nature)
    assert nature_of("") is Nature.LOCAL


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="only Linux tells it there")
def test_this_machine_tells_where_its_own_folders_lie(tmp_path: Path) -> None:
    assert filesystem_of(Path("/proc/self")) == "proc"
    (tmp_path / "link").symlink_to("/proc")
    assert filesystem_of(tmp_path / "link" / "1") == "proc"
    assert filesystem_of(tmp_path / "not" / "there") == filesystem_of(tmp_path) != ""


def test_a_share_is_refused_with_its_name_and_the_cure_as_an_invalid_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        refuse_network_share(f"sqlite:///{tmp_path}/aristobot.db", tmp_path, lambda _: "cifs")
    assert exit_code(caught.value) == 5
    for language in ("fr", "en"):
        said = explain(caught.value, language=language)
        assert all(part in said for part in (str(tmp_path), "cifs", "--data-dir", "--database-url"))


def test_with_postgresql_the_data_folder_may_lie_anywhere(tmp_path: Path) -> None:
    refuse_network_share("postgresql+psycopg://nobody@127.0.0.1/nothing", tmp_path, lambda _: "nfs4")


def test_a_doubtful_ground_is_told_and_not_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/aristobot.db"
    refuse_network_share(url, tmp_path, lambda _: "9p")
    (found,) = weaknesses(url, lambda _: "9p", (3, 51, 3))
    assert (found.code, found.facts) == ("reason.doubtful_filesystem", {"folder": str(tmp_path), "kind": "9p"})


@pytest.mark.parametrize(
    ("version", "told"),
    [((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 53, 0), False), ((4, 0, 0), False)],
)
def test_a_sqlite_with_the_wal_reset_fault_is_told(tmp_path: Path, version: tuple[int, ...], told: bool) -> None:
    found = weaknesses(f"sqlite:///{tmp_path}/aristobot.db", lambda _: "ext4", version)
    assert [one.code for one in found] == ["reason.sqlite_wal_reset"] * told
    assert weaknesses("postgresql+psycopg://nobody@127.0.0.1/nothing", lambda _: "nfs", version) == []
