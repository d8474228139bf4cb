"""Whatever goes wrong: a clear sentence, no half-written edition, nothing left behind, and the next build is right."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from alliances import build
from alliances.build import put_in_place, recover
from alliances.execution.cache import Cache
from alliances.freshness import is_whole
from alliances.locks import FileLock, locked
from alliances.scratch import scratch_folder
from helpers import once, set_chapters, sha256, tree
from small import BUILD, LONG, Bench, bench, write_chapter

long = pytest.mark.skipif(not LONG, reason="takes long; `make test-long` runs it")
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
SLOW = "time.sleep(2)"
ENDLESS = "while True: time.sleep(0.1)"


@pytest.fixture(scope="module")
def finished(project_root: Path, shared_folder: Path) -> Path:
    """The small project with its edition and its cache, built once."""

    def make(folder: Path) -> None:
        with bench(project_root, folder) as small:
            done = small.run(*BUILD)
            assert done.returncode == 0, done.stderr
            assert small.left() == []

    return once(shared_folder / "small-edition", make) / "project"


@pytest.fixture
def small(project_root: Path, finished: Path, tmp_path: Path) -> Iterator[Bench]:
    with bench(project_root, tmp_path) as made:
        shutil.rmtree(made.root)
        shutil.copytree(finished, made.root)
        yield made


def edition(root: Path) -> dict[str, str]:
    found = tree(root / "report" / "_output")
    found.pop("build.log", None)
    return found


def unharmed(small: Bench, before: dict[str, str]) -> None:
    """The edition is as it was, and nothing is left behind."""
    assert edition(small.root) == before
    assert small.left() == []


def next_build_is_right(small: Bench, finished: Path) -> None:
    """With the fault mended, the edition has the same bytes as one that never met it."""
    shutil.rmtree(small.root / "notebooks")
    shutil.copytree(finished / "notebooks", small.root / "notebooks")
    shutil.rmtree(small.root / "report" / "_output")
    done = small.run(*BUILD)
    assert done.returncode == 0, done.stderr
    assert edition(small.root) == edition(finished)


# ---------------------------------------------------------------- notebooks that go wrong


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param('raise ValueError("the bridge is out")', ["ValueError: the bridge is out"], id="raises"),
        pytest.param("os.kill(os.getpid(), 9)", ["died before the notebook ended"], id="killed", marks=unix),
        pytest.param("os._exit(0)", ["died before the notebook ended"], id="leaves", marks=long),
        pytest.param("import ctypes\nctypes.string_at(0)", ["died before"], id="crashes", marks=long),
        pytest.param("print('x' * 50_000_000)", ["50 MB", "print less"], id="prints-at-once"),
        pytest.param(
            "for _ in range(500_000): print('y' * 100)", ["MB", "print less"], id="prints-in-lines", marks=long
        ),
    ],
)
def test_a_notebook_that_fails(small: Bench, finished: Path, code: str, told: list[str]) -> None:
    before = edition(small.root)
    write_chapter(small.root, "second", code)
    sentence = small.refused(*BUILD)
    assert "second.ipynb" in sentence
    for part in told:
        assert part in sentence
    unharmed(small, before)
    if LONG:
        next_build_is_right(small, finished)


@pytest.mark.parametrize("kernels", ["", pytest.param("1", marks=long)], ids=["forked", "ordinary"])
@pytest.mark.parametrize("code", [ENDLESS, pytest.param("while True: pass", marks=long)], ids=["sleeps", "computes"])
def test_a_notebook_that_never_ends(small: Bench, code: str, kernels: str) -> None:
    before = edition(small.root)
    write_chapter(small.root, "second", code)
    started = time.monotonic()
    sentence = small.refused(*BUILD, "--timeout", "6", ALLIANCES_ORDINARY_KERNELS=kernels)
    assert "second.ipynb did not end within 6 seconds" in sentence
    assert "--timeout" in sentence
    assert time.monotonic() - started < 40
    unharmed(small, before)


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_a_time_limit_that_is_none(small: Bench, value: str) -> None:
    assert f"“{value}” is not a number of seconds" in small.run("build", f"--timeout={value}").stderr


@unix
def test_a_process_that_a_notebook_starts_goes_with_it(small: Bench) -> None:
    write_chapter(
        small.root, "second", "import subprocess\nsubprocess.Popen(['sleep', '300'])\nos.kill(os.getpid(), 9)"
    )
    small.refused(*BUILD)
    deadline = time.monotonic() + 5
    while any("sleep" in line for line in small.left()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert small.left() == []


# ---------------------------------------------------------------- Ctrl-C and other signals

TOO_LATE = (0, -signal.SIGINT)  # the edition is in place, and the interpreter about to leave
MOMENTS = [
    pytest.param("2 notebooks", 0.0, id="before-kernels", marks=long),
    pytest.param("2 notebooks", 0.1, id="while-they-start", marks=long),
    pytest.param("executed first", 0.0, id="in-a-notebook"),
    pytest.param("staged", 0.0, id="before-stitching", marks=long),
    pytest.param("staged", 0.1, id="while-stitching", marks=long),
]


@unix
@pytest.mark.parametrize(("line", "wait"), MOMENTS)
def test_ctrl_c(small: Bench, finished: Path, line: str, wait: float) -> None:
    before = edition(small.root)
    write_chapter(small.root, "first", "x = 1")
    write_chapter(small.root, "second", ENDLESS if "executed" in line else "x = 2")
    code, sentence = small.stop_when_told(line, signal.SIGINT, *BUILD, wait=wait)
    if line == "staged" and code in TOO_LATE:
        assert is_whole(small.root / "report" / "_output")
        return
    assert (code, sentence) == (130, "alliances build: interrupted; nothing was changed.")
    unharmed(small, before)
    if LONG:
        next_build_is_right(small, finished)


@unix
@long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_with_ordinary_kernels(small: Bench, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("ALLIANCES_ORDINARY_KERNELS", "1")
    before = edition(small.root)
    write_chapter(small.root, "first", "x = 1")
    write_chapter(small.root, "second", ENDLESS)
    code, _ = small.stop_when_told("executed first", number, *BUILD)
    assert code == 128 + number
    unharmed(small, before)


@unix
def test_a_signal_to_end(small: Bench) -> None:
    before = edition(small.root)
    write_chapter(small.root, "first", "x = 1")
    write_chapter(small.root, "second", ENDLESS)
    code, sentence = small.stop_when_told("executed first", signal.SIGTERM, *BUILD)
    assert (code, sentence) == (143, "alliances build: interrupted; nothing was changed.")
    unharmed(small, before)


@unix
@long
@pytest.mark.parametrize("wait", [0.05, 0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 3.5])
def test_ctrl_c_at_any_time(small: Bench, wait: float) -> None:
    """Only the interpreter's own start, before a line of ours runs, may tell it in its own way."""
    before = edition(small.root)
    write_chapter(small.root, "first", "x = 1")
    process = small.start(*BUILD)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    if process.returncode in TOO_LATE and "staged" in told:
        assert is_whole(small.root / "report" / "_output")
        assert small.left() == []
        return
    assert process.returncode == 130 or wait < 0.5, told
    assert "Traceback" not in told or wait < 0.5, told
    unharmed(small, before)


@unix
def test_a_build_that_is_killed_leaves_no_process_and_its_files_go_with_the_next(small: Bench) -> None:
    before = edition(small.root)
    write_chapter(small.root, "first", "x = 1")
    write_chapter(small.root, "second", ENDLESS)
    process = small.start(*BUILD)
    assert process.stderr is not None
    while "executed first" not in process.stderr.readline():
        pass
    process.kill()
    process.communicate(timeout=10)
    left = small.left()
    assert [name for name in left if not name.startswith(str(small.temporary))] == []
    assert edition(small.root) == before
    for name in left:
        os.utime(name, (0, 0))
    write_chapter(small.root, "second", "x = 3")
    assert small.run(*BUILD).returncode == 0
    assert small.left() == []


# ---------------------------------------------------------------- disks


@unix
def test_no_room_for_a_file(small: Bench) -> None:
    """Where files may not grow, as on a full disk."""
    import resource

    before = edition(small.root)
    write_chapter(small.root, "second", "x = 4")
    sentence = small.refused(
        *BUILD, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    )  # the page is larger
    assert "no room left" in sentence
    assert "try again" in sentence
    unharmed(small, before)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.getuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("what", ["edition", pytest.param("temporary", marks=long), pytest.param("cache", marks=long)])
def test_a_full_disk(small: Bench, tiny_disk: Path, what: str) -> None:
    before = edition(small.root)
    write_chapter(small.root, "second", "x = 5")
    (tiny_disk / "filling").write_bytes(b"0" * 1_900_000)
    if what == "cache":  # costs time and nothing else
        done = small.run(*BUILD, ALLIANCES_CACHE=str(tiny_disk / "cache"))
        assert done.returncode == 0, done.stderr
        assert small.left() == []
        return
    if what == "edition":
        sentence = small.refused(*BUILD, "--output", str(tiny_disk / "edition"))
    else:
        sentence = small.refused(*BUILD, TMPDIR=str(tiny_disk))
    assert "no room left" in sentence or "No space left" in sentence
    unharmed(small, before)
    assert [path.name for path in tiny_disk.iterdir()] == ["filling"]


def an_edition(folder: Path, content: str, names: tuple[str, ...]) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        if "." in name:
            (folder / name).write_text(content)
        else:
            (folder / name).mkdir()
            (folder / name / "file").write_text(content)
    outputs = {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}
    (folder / "manifest.json").write_text(json.dumps({"outputs": outputs}))
    return folder


OLD = ("report.html", "report.pdf", "facts.json", "notebooks", "figures")
NEW = ("report.html", "facts.json", "notebooks", "figures")


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("moment", range(15))
def test_an_edition_is_put_in_place_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, is_killed: bool
) -> None:
    """Stopped or killed before any of its renames, the old edition stands there again, or the new one already."""
    folder, done = an_edition(tmp_path / "place", "old", OLD), an_edition(tmp_path / "done", "new", NEW)
    (folder / "build.log").write_text("a log")
    old, new = tree(folder), tree(done) | {"build.log": sha256(folder / "build.log")}
    calls = 0
    real = Path.replace

    def replace(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == moment:
            if is_killed:
                monkeypatch.setattr(build, "recover", lambda folder: None)
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with contextlib.suppress(KeyboardInterrupt):
        put_in_place(done, folder)
    recover(folder)
    assert tree(folder) == (old if 0 < moment <= calls else new)
    assert is_whole(folder)


def test_a_first_edition_that_cannot_be_put_in_place_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = an_edition(tmp_path / "done", "new", NEW)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "report.html")

    def other_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "rename", other_disk)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", full)
        with pytest.raises(OSError, match="No space"):
            put_in_place(done, tmp_path / "place")
    assert not (tmp_path / "place").exists()
    whole = tree(done)
    put_in_place(done, tmp_path / "place")
    assert tree(tmp_path / "place") == whole
    assert not done.exists()


# ---------------------------------------------------------------- two builds at once


@unix
def test_two_builds_of_the_same_edition(small: Bench, finished: Path) -> None:
    """The second waits for the first, says so, and finds its results."""
    for name in ("first", "second"):
        write_chapter(small.root, name, SLOW)
    first = small.start(*BUILD)
    assert first.stderr is not None
    while "2 notebooks" not in first.stderr.readline():
        pass
    second = small.run(*BUILD)
    _, told = first.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0), told + second.stderr
    assert f"Another build (process {first.pid}) is writing" in second.stderr
    assert "executed" not in second.stderr
    assert is_whole(small.root / "report" / "_output")
    assert small.left() == []


def test_a_lock_of_a_process_that_is_gone_does_not_block(tmp_path: Path) -> None:
    told: list[str] = []
    with locked(tmp_path / "edition", tmp_path / "locks", told.append):
        (path,) = (tmp_path / "locks").iterdir()
        assert path.read_text() == str(os.getpid())
        assert not FileLock(path).try_acquire()
    path.write_text("4194303")
    with locked(tmp_path / "edition", tmp_path / "locks", told.append):
        pass
    assert told == []


def test_scratch_of_others_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folders of commands that have gone are removed."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alive, gone, foreign = (tmp_path / f"alliances-{name}" for name in ("alive", "gone", "foreign"))
    for folder in (alive, gone, foreign):
        folder.mkdir()
    (gone / "lock").touch()
    lock = FileLock(alive / "lock")
    assert lock.try_acquire()
    for folder in (alive, gone, foreign):
        os.utime(folder, (0, 0))
    with scratch_folder() as own:
        assert tempfile.gettempdir() == str(own)
        assert own.parent == tmp_path
        assert (alive.exists(), gone.exists(), foreign.exists()) == (True, False, True)
    lock.release()
    assert not own.exists()
    assert tempfile.gettempdir() == str(tmp_path)


# ---------------------------------------------------------------- the cache


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("how", ["cut", pytest.param("changed", marks=long), pytest.param("emptied", marks=long)])
def test_a_damaged_cache(small: Bench, finished: Path, how: str) -> None:
    changes: dict[str, Callable[[Path], object]] = {
        "cut": damage,
        "changed": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
        "emptied": lambda path: path.write_bytes(b""),
    }
    entries = [path for path in (small.root / ".cache").glob("*/??/*") if path.is_file()]
    assert entries
    for path in entries:
        changes[how](path)
    done = small.run(*BUILD)
    assert done.returncode == 0, done.stderr
    assert "executed first" in done.stderr
    assert edition(small.root) == edition(finished)
    cache = Cache(small.root)
    for path in (small.root / ".cache").glob("[!e]*/??/*"):  # the note of the edition of another folder stays
        assert cache.get(path.parents[1].name, path.name) is not None, path


# ---------------------------------------------------------------- kernels


@unix
def test_ordinary_kernels_give_the_same_edition(small: Bench, finished: Path) -> None:
    shutil.rmtree(small.root / ".cache")
    done = small.run(*BUILD, "--force", ALLIANCES_ORDINARY_KERNELS="1")
    assert done.returncode == 0, done.stderr
    assert edition(small.root) == edition(finished)
    assert small.left() == []


@unix
@pytest.mark.parametrize("fault", ["dies", pytest.param("never warm", marks=long)])
def test_without_the_warmed_process_kernels_are_ordinary(small: Bench, finished: Path, fault: str) -> None:
    """The process from which kernels are forked is killed while it warms, or while one of its kernels runs."""
    write_chapter(small.root, "first", "x = 6")
    write_chapter(small.root, "second", SLOW)
    process = small.start(*BUILD)
    assert process.stderr is not None
    while "2 notebooks" not in process.stderr.readline():
        pass

    def warmed() -> list[psutil.Process]:
        return [p for p in psutil.Process(process.pid).children() if "zygote" in " ".join(p.cmdline())]

    while not (found := warmed()):
        time.sleep(0.05)
    if fault == "dies":
        while not found[0].children():
            time.sleep(0.02)
        time.sleep(0.3)  # killed before it has answered, it is replaced by an ordinary kernel
    found[0].kill()
    _, told = process.communicate(timeout=120)
    assert "Traceback" not in told
    if fault == "dies":
        assert process.returncode == 2
        assert ".ipynb died" in told.splitlines()[-1]
    else:
        assert process.returncode == 0, told
    assert small.left() == []


@unix
def test_kernels_are_forked(small: Bench) -> None:
    """The fast start is really taken: the kernel's parent is the warmed process."""
    set_chapters(small.root, ["first"])
    code = "open('/proc/%d/cmdline' % os.getppid()).read()" if sys.platform.startswith("linux") else "'zygote'"
    write_chapter(small.root, "first", f"assert 'zygote' in {code}")
    done = small.run(*BUILD, "--force")
    assert done.returncode == 0, done.stderr
