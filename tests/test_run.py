"""Notebooks run by papermill: what runs and why, kernels forked and ordinary, and whatever can go wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbformat import NotebookNode

from alliances.errors import ExecutionError
from alliances.run import execute, forks, notebooks, warm
from alliances.run.cache import Cache, digest
from alliances.run.execute import run_notebooks
from alliances.run.refresh import refresh, settle, untrue
from alliances.run.stopping import alone, scratch
from helpers import PROJECT, long

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
VALUES: dict[str, Any] = {"as_of": "2020-01-01", "focus": "", "rotation": 3}
CHART = "application/vnd.vegalite.v5+json"
DRAWN = (
    "import altair as alt, pandas as pd\nalt.renderers.enable('mimetype')\n"
    "alt.Chart(pd.DataFrame({'a': [1, 2]})).mark_bar().encode"
)
READING = "import os\nwith open(os.environ['ALLIANCES_TRACE'], 'a') as f: f.write('data/{}.csv\\n')\nprint('{}', as_of)"


def write(root: Path, name: str, *cells: str, parameters: str = 'as_of = ""') -> None:
    """Write a notebook of a project of the test's own."""
    new, tags = nbformat.v4.new_code_cell, {"tags": ["parameters"]}
    notebook = nbformat.v4.new_notebook(cells=[new(parameters, id="p", metadata=tags)])
    notebook.cells += [new(textwrap.dedent(cell), id=f"c{number}") for number, cell in enumerate(cells)]
    (root / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two notebooks, each of which reads a table."""
    (tmp_path / "data").mkdir()
    for name, table in {"first": "apples", "second": "pears"}.items():
        (tmp_path / "data" / f"{table}.csv").write_text("id\n1\n")
        write(tmp_path, name, READING.format(table, table))
    shutil.copy(PROJECT / "data" / "datapackage.json", tmp_path / "data")
    return tmp_path


def run(root: Path, *names: str, values: dict[str, Any] | None = VALUES, **more: Any) -> dict[str, NotebookNode]:
    return run_notebooks(root, names or ("first", "second"), values, **more)


def printed(executed: NotebookNode) -> str:
    return "".join(out.get("text", "") for cell in executed.cells for out in cell.get("outputs", []))


def refused(root: Path, *cells: str, **more: Any) -> str:
    write(root, "first", *cells)
    with pytest.raises(ExecutionError) as raised:
        run(root, "first", "second", **more)
    assert "first.ipynb" in str(raised.value) or "timeout" in more, "Two that never end may be told in any order."
    assert str(raised.value).endswith(".")
    return str(raised.value)


def kernels(folder: Path) -> list[int]:
    """Kernels of a project, and what they have started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(folder / "notebooks") and process.status() != "zombie":
                found.append(process.pid)
    return found


def none_left(folder: Path) -> bool:
    until = time.monotonic() + 10
    while kernels(folder) and time.monotonic() < until:
        time.sleep(0.05)
    return not kernels(folder)


# ---------------------------------------------------------------- what runs, and why


def test_only_what_has_changed_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}

    def decisions(**values: str) -> tuple[str, str]:
        ran: dict[str, bool] = {}
        done = run(
            root, values=VALUES | values, cache=Cache(root),
            explain=lambda name, runs, why: ran.update({name: runs}) or told.update({name: why}),
        )  # fmt: skip
        assert list(ran.values()) == [why.startswith(("cha", "it ")) for why in told.values()]
        assert printed(done["first"]) == f"apples {(VALUES | values)['as_of']}\n"
        return told["first"], told["second"]

    kept = "nothing it depends on has changed"
    assert decisions() == ("it has not run yet",) * 2
    assert decisions() == (kept,) * 2
    assert decisions(focus="POL") == (kept,) * 2, "They do not declare it."
    assert decisions(as_of="2021-01-01") == ("changed: parameter as_of",) * 2
    assert decisions() == (kept,) * 2, "Going back costs nothing."
    (root / "data" / "pears.csv").write_text("id\n2\n")
    assert decisions() == (kept, "changed: data/pears.csv")
    write(root, "first", "print('apples', as_of)")
    assert decisions() == ("changed: its cells", kept)
    (root / "data" / "datapackage.json").write_text("{ }")
    assert decisions() == ("changed: data/datapackage.json",) * 2
    monkeypatch.setattr(execute, "library_digest", lambda *names: "another")
    monkeypatch.setattr(execute, "versions", lambda *names: {"altair": "0.1"})
    assert decisions()[0].startswith("changed: the library, ")
    assert "the version of altair" in told["first"]


def test_a_damaged_result_is_made_again(root: Path) -> None:
    before, said = run(root, cache=Cache(root)), list[str]()
    for entry in (root / ".cache").glob("*/??/*"):
        entry.write_bytes(entry.read_bytes()[:-9])
    assert run(root, cache=Cache(root), say=said.append) == before
    assert len(said) == 2
    assert run(root, cache=Cache(root), say=said.append) == before
    assert len(said) == 2


def test_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cache, "limit", 250_000)
    cache = Cache(tmp_path)
    for number in range(4):
        cache.put("kind", digest(number), b"\n" * 100_000)
        (entry,) = cache.folder.glob(f"kind/*/{digest(number)}")
        os.utime(entry, (number + 1, number + 1))
    assert cache.get("kind", digest(0)) == b"\n" * 100_000, "It is there, and used just now."
    (tmp_path / ".cache" / "mine.txt").write_text("x" * 1_000_000)
    cache.prune()
    assert [number for number in range(4) if cache.get("kind", digest(number))] == [0, 3]
    assert (tmp_path / ".cache" / "mine.txt").exists()
    monkeypatch.setenv("ALLIANCES_CACHE", str(entry / "below-a-file"))
    Cache(tmp_path).put_json("kind", digest(), 1)  # no fault: it costs time and nothing else


# ---------------------------------------------------------------- kernels


def test_forked_and_ordinary_kernels_give_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in order of sets, in zone, and in the pieces of what is printed."""
    looping = 'for n in range(3): print(n, list({"a", "b", "c"})); time.sleep(0.05)'
    showing = f'{looping}\nprint(time.tzname)\npd.DataFrame({{"b": [1], "a": [2]}})'
    cells = ("import time, pandas as pd", showing, 'print("x")\nprint(rotation)')
    write(root, "first", *cells, parameters="rotation: int = 3  # soldiers")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    found = {}
    for fork in ("1", "0"):
        monkeypatch.setenv("ALLIANCES_FORK", fork)
        found[fork] = run(root, values=VALUES | {"rotation": 4})
    assert found["0"] == found["1"]
    assert printed(found["0"]["first"]).endswith("x\n4\n")
    assert "UTC" in printed(found["0"]["first"])
    text = notebooks.dumps(found["0"]["first"]).decode()
    assert "papermill" not in text
    assert "iopub" not in text


@unix
def test_kernels_are_really_forked(root: Path) -> None:
    """Also where the server was killed, or its socket went with the temporary files of an earlier command."""
    write(root, "first", "import sys; print('alliances.run.warmed' in sys.modules)")
    assert printed(run(root, "first")["first"]) == "True\n"
    os.kill(forks.start()._forkserver_pid, signal.SIGKILL)
    assert printed(run(root, "first")["first"]) == "True\n"
    Path(forks.start()._forkserver_address).unlink()
    assert printed(run(root, "first")["first"]) == "True\n"


CALLER = """
import sys; from pathlib import Path; from alliances.run.execute import run_notebooks
run_notebooks(Path({root!r}), ["first"], {values!r})
"""


@unix
@pytest.mark.parametrize("fork", ["1", pytest.param("0", marks=long)])
def test_a_build_that_is_killed_leaves_no_kernel(root: Path, fork: str) -> None:
    write(root, "first", "import time, subprocess\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)")
    code = CALLER.format(root=str(root), values=VALUES)
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"ALLIANCES_FORK": fork})
    while len(kernels(root)) < (2 if fork == "1" else 1):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert none_left(root) or fork == "0"
    for pid in kernels(root):  # an ordinary kernel leaves, and what it started stays
        os.kill(pid, signal.SIGKILL)


REACHING = """
import socket, urllib.request
socket.create_connection(("localhost", {port})).close()  # what listens on this machine is no network
socket.socketpair()
web, post = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
web.settimeout(0.1)
told = []
for reach in (lambda: web.connect(("198.51.100.7", 80)), lambda: post.sendto(b"x", ("198.51.100.7", 9)),
              lambda: post.sendmsg([b"x"], [], 0, ("198.51.100.7", 9)), lambda: socket.gethostbyname("x.invalid")):
    try:
        reach()
    except Exception as error:
        told.append(type(error).__name__)
print(*told)
"""


@pytest.fixture
def reaching() -> Iterator[str]:
    """A cell that tries four ways out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield REACHING.format(port=server.getsockname()[1])


@pytest.mark.parametrize("fork", ["1", pytest.param("0", marks=long)])
def test_a_notebook_has_no_network(root: Path, reaching: str, monkeypatch: pytest.MonkeyPatch, fork: str) -> None:
    monkeypatch.setenv("ALLIANCES_FORK", fork)
    last = 'assert told == ["ExecutionError"] * 4, told\nurllib.request.urlopen("https://example.org/")'
    assert refused(root, reaching, last) == (
        "Notebook first.ipynb, cell [3]: A connection to example.org was asked for, and notebooks run without a "
        "network; put what it fetches into the project, or allow it with the environment variable ALLIANCES_NETWORK=1."
    )


@long
def test_a_notebook_is_allowed_the_network(root: Path, reaching: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a variable; that is another run, whose result is kept apart."""
    write(root, "first", reaching)
    why: list[str] = []
    assert "ExecutionError" in printed(run(root, "first", cache=Cache(root))["first"])
    monkeypatch.setenv("ALLIANCES_NETWORK", "1")
    allowed = run(root, "first", cache=Cache(root), explain=lambda name, runs, reason: why.append(reason))
    assert "ExecutionError" not in printed(allowed["first"])
    assert why == ["changed: the settings of kernels"]


@unix
def test_what_a_notebook_starts_goes_with_it(root: Path) -> None:
    write(root, "first", "import subprocess\nx = subprocess.Popen(['sleep', '600'])")
    run(root, "first")
    assert none_left(root)


# ---------------------------------------------------------------- notebooks that go wrong


def test_a_cell_that_raises(root: Path, tmp_path: Path) -> None:
    told = refused(
        root, "x = 1", "# a remark\n\nraise ValueError('the bridge is out.\\nReally.')", log=tmp_path / "log"
    )
    assert "stopped in cell [3], line 3, with ValueError: the bridge is out; the traceback is in" in told
    assert "raise ValueError" in (tmp_path / "log").read_text()
    told = refused(root, "x = = 1")
    assert "cell [2], line 1, with SyntaxError" in told
    told = refused(root, "from alliances.errors import NarrativeError", "raise NarrativeError('Line 3 lacks a row.')")
    assert told == "Notebook first.ipynb, cell [3], line 1: Line 3 lacks a row." or "cell [3]: Line 3 lacks" in told
    assert none_left(root)


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"])
def test_a_kernel_that_dies(root: Path, code: str) -> None:
    assert "died before the notebook ended" in refused(root, code)


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "while True: pass"])
def test_a_notebook_that_never_ends(root: Path, code: str) -> None:
    write(root, "second", "import time; time.sleep(60)")
    started = time.monotonic()
    assert "did not end within 2 seconds" in refused(root, "x = 1", code, timeout=2)
    assert time.monotonic() - started < 15
    assert none_left(root)


@pytest.mark.parametrize("code", ["print('x' * 50_000_000)", "while True: print('y' * 10_000)"])
def test_a_notebook_that_prints_too_much(root: Path, code: str) -> None:
    assert "puts out more than 20 MB; print less" in refused(root, code)


def test_a_kernel_that_dies_as_it_starts_is_started_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, ready = [], warm._Client.wait_for_ready

    async def die_once(self: Any, timeout: float | None = None) -> None:
        waits.append(1)
        if len(waits) == 1:
            raise RuntimeError("died")
        await ready(self, timeout)

    monkeypatch.setattr(warm._Client, "wait_for_ready", die_once)
    assert printed(run(root, "first")["first"])
    assert len(waits) == 2
    assert none_left(root)


# ---------------------------------------------------------------- what is refused before anything runs


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ('as_of = ""\ntroups = 1', "assigns “troups”, which is not a parameter; the parameters are as_of, focus"),
        ("import os", "may hold only assignments of plain values, and holds: import os"),
        ("as_of = len([])", "may hold only assignments of plain values"),
        ("as_of = (", "may hold only assignments"),
    ],
)
def test_parameters_that_are_refused(root: Path, parameters: str, told: str) -> None:
    write(root, "second", "x", parameters=parameters)
    with pytest.raises(ExecutionError) as raised:
        run(root)
    assert "second.ipynb" in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace('"parameters"', '"parameter"'), "has 0 cells tagged “parameters”"),
        (lambda text: text.replace('"cells"', '\n<<<<<<< HEAD\n"cells"', 1), "could not merge; keep one of them"),
        (lambda text: text[:100], "cannot be read as a notebook"),
        (lambda text: "", "cannot be read as a notebook"),
        (lambda text: None, "is missing from"),
    ],
)
def test_files_that_are_refused(root: Path, change: Callable[[str], str | None], told: str) -> None:
    path = root / "notebooks" / "first.ipynb"
    text = change(path.read_text())
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ExecutionError, match=told):
        run(root)


# ---------------------------------------------------------------- committed notebooks


def test_refresh(root: Path) -> None:
    write(root, "first", f"{DRAWN}(x='a:Q')")
    assert [name for name, _ in untrue(root, ["first"])] == ["first"]
    paths = [root / "notebooks" / "first.ipynb", root / "notebooks" / "second.ipynb"]
    before = []
    for _ in range(2):
        refresh(root, ["first", "second"], VALUES)
        before.append([path.read_text() for path in paths])
    assert before[0] == before[1]
    assert list(untrue(root, ["first", "second"])) == []
    cells = nbformat.read(paths[0], 4).cells
    assert [cell["id"] for cell in cells] == ["first-00", "first-01"]
    assert cells[1].outputs[0].data["image/png"].startswith("iVBOR")
    assert "injected" not in before[0][0]
    write(root, "second", "x", parameters='as_of = "2021-05-05"')
    with pytest.raises(ExecutionError, match=r"second\.ipynb sets as_of to '2021-05-05'"):
        refresh(root, ["first", "second"], VALUES)
    assert paths[0].read_text() == before[0][0]


def test_refresh_saves_what_runs_and_reports_each_that_fails(root: Path) -> None:
    for name, source in (("first", "1 + 1"), ("second", "1 / 0"), ("third", "nothing")):
        write(root, name, source)
    told: list[str] = []
    with pytest.raises(ExecutionError) as error:
        refresh(root, ["second", "first", "third"], VALUES, say=told.append)
    failed = "\n".join([*told, str(error.value)])
    assert "second.ipynb stopped in cell [2], line 1, with ZeroDivisionError" in failed
    assert "third.ipynb stopped in cell [2], line 1, with NameError" in failed
    assert list(untrue(root, ["first"])) == []


def in_a_browser(path: Path) -> NotebookNode:
    """What JupyterLab makes of a notebook that is run and saved: its own names, counts, numbers and pictures."""
    notebook = nbformat.read(path, 4)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.7", "pygments_lexer": "ipython3"}
    notebook.metadata["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    for cell in notebook.cells:
        cell["execution_count"] = (cell["execution_count"] or 0) + 7
        for output in cell.outputs:
            output |= {"execution_count": cell["execution_count"]} if "execution_count" in output else {}
            output.get("data", {}).update({"image/png": "iVBORw0KGgo="} if CHART in output.get("data", {}) else {})
    return notebook


def test_what_jupyterlab_saves_is_what_is_committed(root: Path) -> None:
    write(root, "first", f"{DRAWN}(x=alt.X('a:Q', scale=alt.Scale(domain=[1.0, 2.5])))")
    refresh(root, ["first"], VALUES)
    path = root / "notebooks" / "first.ipynb"
    before, saved = nbformat.read(path, 4), in_a_browser(path)
    assert saved != before
    assert before.cells[1].outputs[0].data[CHART]["encoding"]["x"]["scale"]["domain"] == [1, 2.5]
    assert "1.0,\n" not in path.read_text(), "A browser writes 1."
    settle(saved, before)
    assert nbformat.writes(saved) + "\n" == path.read_text()
    emptied, again = nbformat.read(path, 4), in_a_browser(path)  # saved while it ran
    emptied.cells[1].outputs = []
    settle(again, emptied)
    assert nbformat.writes(again) + "\n" == path.read_text()


def test_outputs_that_are_not_true_are_named_and_mended(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCES_TRACE", os.devnull)  # the cells write what they read there
    path = root / "notebooks" / "first.ipynb"
    refresh(root, ["first", "second"], VALUES)
    before = path.read_text()

    def spoil(change: Callable[[NotebookNode], object]) -> None:
        notebook = nbformat.reads(before, 4)
        change(notebook)
        nbformat.write(notebook, path)

    def told() -> str:
        return "".join(what for _, what in untrue(root, ["first", "second"]))

    def mended() -> bool:
        refresh(root, ["first"], VALUES)
        return path.read_text() == before and told() == ""

    spoil(lambda notebook: [cell.update(outputs=[]) for cell in notebook.cells])
    assert "what a run at its defaults does not" in told()
    assert mended()
    spoil(lambda notebook: notebook.cells[1].outputs[0].update(text="apples 2020-01-01\n"))
    assert "what a run at its defaults does not" in told()
    assert mended()
    papermill.execute_notebook(path, path, {"as_of": "2020-01-01"}, kernel_name="python3", progress_bar=False)
    assert "2020-01-01" in path.read_text()
    assert "is behind its cells or data" in told()
    assert mended()
    (root / "data" / "actors.csv").write_text("id\n2\n")
    assert told().count("is behind its cells or data") == 2


# ---------------------------------------------------------------- a command as a whole

COMMAND = """
import sys; from pathlib import Path
from alliances.run.stopping import alone, scratch, stoppable
with stoppable(), scratch() as folder, alone(Path({root!r}), Path({root!r}) / "locks", print):
    from alliances.run.execute import run_notebooks
    print("begun", flush=True)
    run_notebooks(Path({root!r}), ["first", "second"], {values!r}, say=lambda line: print(line, flush=True))
"""


@unix
@pytest.mark.parametrize(("number", "when"), [(signal.SIGINT, "begun"), (signal.SIGTERM, "executed first")])
def test_a_command_that_is_told_to_stop(root: Path, number: int, when: str) -> None:
    (temporary := root / "tmp").mkdir()
    write(root, "second", "import time; time.sleep(600)")
    code = f"import sys\ntry:\n{textwrap.indent(COMMAND, '    ')}\nexcept KeyboardInterrupt as e: sys.exit(e.exit_code)"
    code = code.format(root=str(root), values=VALUES)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    assert process.stdout is not None
    while when not in process.stdout.readline():
        assert process.poll() is None, process.communicate()[1]
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + number, "")
    assert none_left(root)
    assert list(temporary.iterdir()) == []


def test_scratch_goes_and_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "alliances-other").mkdir()
    with scratch() as own:
        assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(own)
        assert own.parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["alliances-other"]
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(tmp_path)


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    code = COMMAND.partition("with")[0] + "import time\nwith alone(Path({root!r}), Path({root!r}) / 'locks', print):"
    code += "\n    print('mine', flush=True)\n    time.sleep(1)"
    process = subprocess.Popen([sys.executable, "-c", code.format(root=str(tmp_path))], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"mine\n"
    told: list[str] = []
    with alone(tmp_path, tmp_path / "locks", told.append):
        assert process.wait(5) == 0
    assert told == [f"Another build is writing {tmp_path}; waiting until it has finished."]
    with alone(tmp_path, tmp_path / "locks", told.append):
        assert len(told) == 1
