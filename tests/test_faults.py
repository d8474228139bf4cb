"""Whatever goes wrong: a sentence, no half-written edition, nothing left behind, and the next build is right."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from alliances.place import is_whole, read_manifest
from alliances.run.warm import PROVISIONER
from helpers import BUILD, PROJECT, Command, edition, long, put_first

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
ENDLESS = "while True: time.sleep(0.1)"
OUTPUT = Path("report", "_output")


@pytest.fixture
def command(river_root: Path, tmp_path: Path) -> Command:
    """The built river, of which the second notebook has to run again."""
    put_first(river_root, "treaty", "x = 1")
    return Command(river_root, tmp_path / "tmp")


@pytest.fixture
def before(command: Command) -> dict[str, str]:
    return edition(command.root)


def unharmed(command: Command, before: dict[str, str]) -> None:
    """The edition is as it was, and nothing is left behind."""
    assert edition(command.root) == before
    assert command.left() == []


def test_the_plug_in_has_its_name() -> None:
    """Else no kernel is ever forked, and nothing says so."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert PROVISIONER in project["entry-points"]["jupyter_client.kernel_provisioners"]


# ---------------------------------------------------------------- notebooks that go wrong


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param('raise ValueError("the bridge\\nis out")', "with ValueError: the bridge; the traceback is in"),
        pytest.param('edition = edition["obs-barges-brif"]', "NameError", marks=long),
        pytest.param("os.kill(os.getpid(), 9)", "died before the notebook ended", marks=long),
        pytest.param("print('x' * 50_000_000)", "puts out more than 20 MB; print less", marks=long),
    ],
    ids=["raises", "stumbles", "killed", "noisy"],
)
def test_a_notebook_that_fails(command: Command, before: dict[str, str], code: str, told: str) -> None:
    put_first(command.root, "treaty", code)
    sentence = command.refused(*BUILD)
    assert "treaty.ipynb" in sentence
    assert told in sentence
    unharmed(command, before)
    if "traceback is in" in told:
        assert 'raise ValueError("the bridge' in (command.root / OUTPUT / "build.log").read_text("utf-8")


@pytest.mark.parametrize("fork", ["1", pytest.param("0", marks=long)], ids=["forked", "ordinary"])
def test_a_notebook_that_never_ends(command: Command, before: dict[str, str], fork: str) -> None:
    put_first(command.root, "treaty", ENDLESS)
    sentence = command.refused(*BUILD, "--timeout", "2", ALLIANCES_FORK=fork)
    assert "treaty.ipynb did not end within 2 seconds" in sentence
    unharmed(command, before)


# ---------------------------------------------------------------- Ctrl-C and other signals

TOO_LATE = (0, -signal.SIGINT, -signal.SIGTERM)  # the edition is in place, and the interpreter about to leave
MOMENTS = [
    pytest.param("2 notebooks", 0.0, signal.SIGINT, id="before-kernels", marks=long),
    pytest.param("2 notebooks", 0.3, signal.SIGINT, id="while-they-start", marks=long),
    pytest.param("2 notebooks", 2.5, signal.SIGINT, id="in-a-notebook"),
    pytest.param("2 notebooks", 2.5, signal.SIGTERM, id="told-to-end", marks=long),
    pytest.param("staged", 0.0, signal.SIGINT, id="before-publishing", marks=long),
    pytest.param("staged", 0.4, signal.SIGTERM, id="while-publishing", marks=long),
]


@pytest.mark.parametrize(("line", "wait", "number"), MOMENTS)
def test_a_signal(command: Command, before: dict[str, str], line: str, wait: float, number: int) -> None:
    if line != "staged":
        put_first(command.root, "treaty", ENDLESS)
    code, told = command.stopped(line, number, *BUILD, wait=wait)
    if line == "staged" and code in TOO_LATE:
        assert is_whole(command.root / OUTPUT, read_manifest(command.root / OUTPUT))
        assert command.left() == []
        return
    assert (code, told) == (128 + number, "alliances build: interrupted; nothing was changed.")
    unharmed(command, before)


@long
@pytest.mark.parametrize("wait", [0.05, 0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
def test_ctrl_c_at_any_time(command: Command, before: dict[str, str], wait: float) -> None:
    """Only the interpreter's own start, before a line of ours runs, may tell it in its own way."""
    process = command.start(*BUILD)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    if process.returncode in TOO_LATE and "staged" in told:
        assert is_whole(command.root / OUTPUT, read_manifest(command.root / OUTPUT))
        assert command.left() == []
        return
    assert process.returncode == 130 or wait < 0.5, told
    assert "Traceback" not in told or wait < 0.5, told
    unharmed(command, before)


def test_a_build_that_is_killed(command: Command, before: dict[str, str]) -> None:
    """It leaves no process, and files in the system's temporary folder alone; the next build is not disturbed."""
    put_first(command.root, "treaty", ENDLESS)
    process = command.start(*BUILD)
    while "2 notebooks" not in process.stderr.readline():
        pass
    time.sleep(2)
    process.kill()
    process.communicate(timeout=10)
    left = command.left()
    assert [name for name in left if not name.startswith(str(command.temporary))] == []
    assert edition(command.root) == before
    put_first(command.root, "treaty", "raise KeyError('on purpose')")
    command.refused(*BUILD)
    assert edition(command.root) == before
    assert command.left() == left


@long
def test_200_kills_at_random_moments(command: Command) -> None:
    """The edition is always the old one or the new one, whole; in the end no process is left, nor a file beside it."""
    pick, output = random.Random(20), command.root / OUTPUT
    for number in range(200):
        put_first(command.root, "treaty", f"x = {number}")
        process = command.start(*BUILD)
        time.sleep(pick.uniform(0, 6))
        os.killpg(process.pid, signal.SIGKILL) if number % 2 else process.kill()
        process.communicate(timeout=60)
        if output.exists():  # between two renames it stands beside, and the next command puts it back
            assert is_whole(output, read_manifest(output)), number
        else:
            assert any(is_whole(path, read_manifest(path)) for path in output.parent.iterdir() if path.is_dir()), number
    command.done(*BUILD)
    once = edition(command.root)
    command.done(*BUILD, "--force", ALLIANCES_CACHE=str(command.root.parent / "other-cache"))
    assert edition(command.root) == once
    for name in command.temporary.iterdir():
        shutil.rmtree(name)
    put_first(command.root, "treaty", "raise KeyError('on purpose')")
    command.refused(*BUILD)
    unharmed(command, once)
    assert [path.name for path in output.parent.iterdir() if path.name.startswith((".new", ".old"))] == []


# ---------------------------------------------------------------- disks


def test_no_room_for_a_file(command: Command, before: dict[str, str]) -> None:
    """Where files may not grow, as on a full disk."""
    import resource

    limit = (300_000, 300_000)  # the page is larger
    sentence = command.refused(*BUILD, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert "no room left" in sentence
    unharmed(command, before)


def mount_disk(folder: Path, size: str) -> None:
    if not sys.platform.startswith("linux") or os.getuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    how = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if subprocess.run(how, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes, of which a tenth is free."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount_disk(folder, "2m")
    (folder / "filling").write_bytes(b"0" * 1_900_000)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("what", [pytest.param(what, marks=long) for what in ("edition", "temporary", "cache")])
def test_a_full_disk(command: Command, before: dict[str, str], tiny_disk: Path, what: str) -> None:
    if what == "cache":  # costs time and nothing else
        command.done(*BUILD, ALLIANCES_CACHE=str(tiny_disk / "cache"))
        assert command.left() == []
        return
    if what == "edition":
        sentence = command.refused(*BUILD, "--output", str(tiny_disk / "edition"))
    else:
        sentence = command.refused(*BUILD, TMPDIR=str(tiny_disk))
    assert "no room left" in sentence or "No space left" in sentence
    unharmed(command, before)
    assert [path.name for path in tiny_disk.iterdir()] == ["filling"]


@long
@pytest.mark.parametrize("kind", ["disk", "file"])
def test_no_room_at_any_byte(command: Command, tmp_path: Path, kind: str) -> None:
    """50 disks that hold all with a random room left, and 50 random sizes that no file may pass."""
    import resource

    pick, disk = random.Random(20), tmp_path / "disk"
    disk.mkdir()
    if kind == "disk":
        mount_disk(disk, "64m")
    ends = []
    try:
        moved = Command(Path(shutil.move(command.root, disk / "project")), disk / "tmp")
        for number in range(50):
            put_first(moved.root, "treaty", f"x = {number}")
            free = shutil.disk_usage(disk).free
            room = min(int(10 ** pick.uniform(2, 8)), free)
            if kind == "disk":
                (disk / "filling").write_bytes(b"0" * (free - room))
                done = moved.run(*BUILD)
                (disk / "filling").unlink()
            else:
                limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room // 3, room // 3))
                done = moved.run(*BUILD, prepare=limit)
            told = done.stderr.splitlines()[-1]
            assert done.returncode in (0, 2), (number, room, done)
            assert "Traceback" not in done.stderr, (number, room, done.stderr)
            assert not done.returncode or (told.startswith("alliances") and told.endswith(".")), (number, room, told)
            output = moved.root / OUTPUT
            assert is_whole(output, read_manifest(output)), (number, room)
            assert moved.left() == [], (number, room)
            ends.append(done.returncode)
        moved.done(*BUILD)
        once = edition(moved.root)
        moved.done(*BUILD, "--force", ALLIANCES_CACHE=str(disk / "other-cache"))
        assert edition(moved.root) == once
        assert min(ends.count(0), ends.count(2)) > 5, "Both were met."
    finally:
        if kind == "disk":
            subprocess.run(["umount", "-l", disk], check=True)


def test_a_damaged_cache(command: Command, before: dict[str, str]) -> None:
    """Each entry is cut short: all is made again, and the edition is the same."""
    shutil.rmtree(command.root / OUTPUT)
    put_first(command.root, "treaty", "")
    command.done(*BUILD)
    once = edition(command.root)
    entries = [path for path in (command.root / ".cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-5])
    told = command.done(*BUILD, "--force")
    assert "executed commission" in told
    assert edition(command.root) == once
    assert command.left() == []


# ---------------------------------------------------------------- two at once


def test_two_builds_of_the_same_edition(command: Command) -> None:
    """The second waits for the first, says so, and finds what it has made."""
    go = command.root / "go"
    put_first(command.root, "treaty", f"while not os.path.exists({str(go)!r}): time.sleep(0.1)")
    first = command.start(*BUILD)
    while "2 notebooks" not in first.stderr.readline():
        pass
    second = command.start(*BUILD)
    assert f"Another build is writing {command.root / OUTPUT}; waiting" in second.stderr.readline()
    go.touch()
    _, told = first.communicate(timeout=120)
    out, err = second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0), told + err
    assert "executed" not in err
    assert out.startswith("Nothing has changed")
    assert is_whole(command.root / OUTPUT, read_manifest(command.root / OUTPUT))
    assert command.left() == []
