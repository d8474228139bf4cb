"""Measure speed as ratios within one run: `make bench`; `make bench growth=1` what more texts cost.

Medians of several rounds, the things compared taking turns. The baseline is papermill's command line over the report's
notebooks, one after the other, and then the same stitching. Times depend on the machine; ratios much less.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from growth import grow

PROJECT = Path(__file__).resolve().parents[1]
COUNTRIES = ("DNK", "EST", "FIN", "GBR", "ISL", "LTU", "LVA", "NLD", "NOR", "SWE")
CUT_OFFS = ("2025-03-20", "2025-04-20", "2025-07-31")
TEXTS = (5, 20, 50, 200)  # of the curve: the five, and the same again and again
SEPARATE = 3  # cold builds of other editions that are measured; the rest of the thirty would take the same
Say = Callable[[str], None]


def copy_project(target: Path) -> Path:
    """Copy what a build reads: a clone after set-up, with no cache."""
    built = shutil.ignore_patterns("_output", "chapters", "figures", ".*", "__pycache__")
    for name in ("data", "seeds", "notebooks", "report"):
        shutil.copytree(PROJECT / name, target / name, ignore=built)
    return target


def run(root: Path, *command: str, allowed: tuple[int, ...] = (0,), **variables: str) -> float:
    """Run a Python command on a project with no user's cache, and return its seconds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    own = {"ALLIANCES_ROOT": str(root), "XDG_CACHE_HOME": str(root / ".cache"), "ALLIANCES_QUARTO": ""}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env={**kept, **own, **variables}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def alliances(root: Path, *arguments: str, **variables: str) -> float:
    return run(root, "-m", "alliances.cli", *arguments, "--engine", "embedded", **variables)


def stitch(root: Path, executed: Path, target: Path) -> None:
    """Do to notebooks that papermill has executed what a build does to its own."""
    import nbformat

    from alliances.build import plan
    from alliances.publish import publish
    from alliances.run.cache import Cache
    from alliances.stage import stage
    from alliances.stage.figures import Drawer

    planned = plan(root, {})
    books = {name: nbformat.read(executed / f"{name}.ipynb", 4) for name in planned.names}
    known = planned.dataset.known(planned.parameters.as_of)
    with Drawer(Cache(root)) as drawer:
        assert stage(root, known, planned.parameters, planned.defaults, books, target, drawer).problems == []
        drawer.finish()
    publish(target, root=root, engine="embedded")


def by_hand(root: Path, names: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of papermill's command line over all notebooks, and of the stitching after it."""
    folder.mkdir()
    executing = sum(
        run(root, "-m", "papermill", f"notebooks/{name}.ipynb", str(folder / f"{name}.ipynb"), "-k", "python3")
        for name in names
    )
    return executing, run(root, __file__, "--stitch", str(root), str(folder), str(folder / "report"))


def measure_edition(rounds: int, scratch: Path, say: Say) -> tuple[dict[str, list[float]], int]:
    """Measure the baseline, and beside it a cold build, an edited sentence, a moved row, and no change at all."""
    from alliances.build import notebook_names

    names = notebook_names(PROJECT)
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: {len(names)} notebooks by hand, then built, then changed")
        hand, built = copy_project(scratch / f"hand-{number}"), copy_project(scratch / f"built-{number}")
        executing, stitching = by_hand(hand, names, scratch / f"executed-{number}")
        round_ = {"papermill": executing, "stitching": stitching, "by hand": executing + stitching}
        round_["cold"] = alliances(built, "build")
        edit_sentence(built / "notebooks" / "jef.ipynb", number)
        round_["sentence"] = alliances(built, "build")
        table = built / "data" / "memberships.csv"
        head, *rows, last = table.read_text("utf-8").splitlines()
        table.write_text("\n".join([head, last, *rows]) + "\n", "utf-8")
        round_["row"] = alliances(built, "build")
        round_["nothing"] = alliances(built, "build")
        for what, seconds in round_.items():
            times.setdefault(what, []).append(seconds)
        for folder in (hand, built):
            shutil.rmtree(folder)
    return times, len(names)


def edit_sentence(notebook: Path, number: int) -> None:
    """Add a sentence to a chapter's second prose: what stands in a placeholder stays."""
    content = json.loads(notebook.read_text("utf-8"))
    cells = [cell for cell in content["cells"] if "edition.write(" in "".join(cell["source"])]
    source = "".join(cells[1]["source"])
    edited = re.sub(r"(\n## .*\n(?:else:.*\n)*\n)", rf"\1Round {chr(97 + number)} was here.\n", source, count=1)
    assert edited != source, "There is no section to edit."
    cells[1]["source"] = edited.splitlines(keepends=True)
    notebook.write_text(json.dumps(content), "utf-8")


def stages(scratch: Path) -> dict[str, float]:
    """Where the seconds of a cold build go, measured once in one process; the kernels' part is what they overlap to."""
    code = """
import json, sys, tempfile, time
from pathlib import Path
def at(): return time.perf_counter()
t = [at()]
from alliances.run import forks
forks.start()
from alliances import build as b
from alliances.publish import publish
from alliances.run.execute import run_notebooks
from alliances.stage import stage
from alliances.stage.figures import Drawer
root, done = Path(sys.argv[1]), {}
def mark(name): t.append(at()); done[name] = t[-1] - t[-2]
mark("imports")
planned = b.plan(root, {}); mark("data and parameters, checked")
books = run_notebooks(root, planned.names, planned.parameters.as_dict(), cache=b.Cache(root))
mark("kernels and cells")
known = planned.dataset.known(planned.parameters.as_of)
with Drawer(b.Cache(root)) as drawer:
    stage(root, known, planned.parameters, planned.defaults, books, root / "staged", drawer)
    drawer.finish()
mark("text and charts")
for kind, name in (("html", "page (Pandoc)"), ("pdf", "PDF (Pandoc, Typst)")):
    publish(root / "staged", (kind,), root=root, engine="embedded"); mark(name)
print(json.dumps(done))
"""
    root = copy_project(scratch / "stages")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ALLIANCES_")}
    script = scratch / "stages.py"
    script.write_text(code, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(root)], env=kept, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[str]:
    """A scheduler and workers with one thread each, on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start, address = [sys.executable, "-m", "dask"], f"tcp://127.0.0.1:{port}"
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    commands = [[*start, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]]
    commands += [[*start, "worker", address, *options]] * workers
    with ExitStack() as stack:
        for command in commands:
            process = stack.enter_context(subprocess.Popen(command, **quiet))
            stack.callback(process.terminate)
        yield address


def measure_batch(editions: int, dask: bool, scratch: Path, say: Say) -> dict[str, float]:
    """Seconds for all editions, each way once, with nothing kept from one way to the next."""
    countries, days = COUNTRIES[: max(1, editions // len(CUT_OFFS))], CUT_OFFS[-editions:]
    matrix, found = scratch / "matrix.yaml", dict[str, float]()
    matrix.write_text(json.dumps({"matrix": {"focus": countries, "as_of": days}}), "utf-8")
    count = len(countries) * len(days)
    seconds = []
    for number in range(min(SEPARATE, count)):
        say(f"cold build {number + 1} of {SEPARATE}")
        chosen = ("-p", "focus", countries[number % len(countries)], "-p", "as_of", days[number % len(days)])
        seconds.append(alliances(copy_project(scratch / f"separate-{number}"), "build", *chosen))
    found["separate"] = statistics.mean(seconds) * count
    for workers in (1, 2):
        say(f"{count} editions, {workers} at a time")
        root = copy_project(scratch / f"batch-{workers}")
        found[f"{workers}"] = alliances(root, "batch", str(matrix), "--jobs", str(workers))
    if dask:
        say(f"{count} editions on a Dask cluster of two workers")
        (scratch / "dask").mkdir()
        with dask_cluster(scratch / "dask", 2) as address:
            root = copy_project(scratch / "batch-dask")
            found["dask"] = alliances(root, "batch", str(matrix), "--scheduler", address)
    return found


def growth(scratch: Path, say: Say) -> Iterator[tuple[int, float, float, int, int]]:
    """Yield for so many texts: processor seconds of check and of a cold build, pages before the evidence, all pages."""
    import pypdf

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    for texts in TEXTS:
        say(f"{texts} texts")
        root, at = scratch / f"texts-{texts}", used()
        grow(PROJECT, root, texts // TEXTS[0])
        run(root, "-m", "alliances.cli", "check", allowed=(0, 2))  # what is behind the data is no failure here
        checked = used()
        alliances(root, "build")
        built = used()
        pages = pypdf.PdfReader(root / "report" / "_output" / "report.pdf").pages
        body = next(n for n, page in enumerate(pages) if page.extract_text().lstrip().startswith("Evidence"))
        yield texts, checked - at, built - checked, body, len(pages)


def table(times: dict[str, float], count: int, batch: dict[str, float], editions: int) -> Iterator[tuple[Any, ...]]:
    """Yield what was measured: seconds, ratio, and what it must reach."""
    hand = times["by hand"]
    yield f"papermill's command line, {count} notebooks", times["papermill"], "", ""
    yield "the same stitching", times["stitching"], "", ""
    yield "both: the baseline", hand, "1", ""
    yield "cold default edition", times["cold"], f"{hand / times['cold']:.1f}× faster", "7×"
    yield "one sentence edited", times["sentence"], f"{times['sentence'] / hand:.1%}", "8 %"
    yield "a row of memberships moved", times["row"], f"{times['row'] / hand:.1%}", "10 %"
    yield "nothing changed", times["nothing"], f"{times['nothing'] / hand:.1%}", "1 %"
    if batch:
        alone, one, two = batch["separate"], batch["1"], batch["2"]
        yield f"{editions} cold builds ({SEPARATE} measured)", alone, "1", ""
        yield "batch, one worker", one, f"{alone / one:.1f}× faster", ""
        yield "batch, two workers", two, f"{alone / two:.1f}× faster, {one / two:.2f}× one worker", "3.5×, 1.5×"
    if "dask" in batch:
        yield "batch, Dask with two workers", batch["dask"], f"{batch['dask'] / batch['2']:.2f}× local", "1.3×"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure speed, as ratios within one run.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which medians are shown (default: 5)")
    parser.add_argument("--editions", type=int, default=30, help="editions of the batch; 0 leaves it out (default: 30)")
    parser.add_argument("--dask", action="store_true", help="measure a Dask cluster as well")
    parser.add_argument("--growth", action="store_true", help="measure 5, 20, 50 and 200 texts, and nothing else")
    parser.add_argument("--stitch", nargs=3, type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stitch:
        stitch(*chosen.stitch)
        return

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    if chosen.growth:
        with tempfile.TemporaryDirectory(prefix="alliances-bench-") as folder:
            curve = list(growth(Path(folder), say))
        print("| texts | check, s | × | build, s | × | pages before Evidence | all |\n|--:|--:|--:|--:|--:|--:|--:|")
        for texts, check, build, body, pages in curve:
            ratios = f"{check / curve[0][1]:.1f}", f"{build / curve[0][2]:.1f}"
            print(f"| {texts} | {check:.1f} | {ratios[0]} | {build:.1f} | {ratios[1]} | {body} | {pages} |")
        return
    with tempfile.TemporaryDirectory(prefix="alliances-bench-") as folder:
        times, count = measure_edition(chosen.rounds, Path(folder), say)
        parts = stages(Path(folder))
        batch = measure_batch(chosen.editions, chosen.dask, Path(folder), say) if chosen.editions else {}
    medians = {name: statistics.median(values) for name, values in times.items()}
    print("| | seconds | ratio | must reach |\n|---|--:|--:|--:|")
    for what, seconds, ratio, goal in table(medians, count, batch, chosen.editions):
        print(f"| {what} | {seconds:.1f} | {ratio} | {goal} |")
    print("\n| where the seconds of a cold build go | seconds |\n|---|--:|")
    for what, seconds in parts.items():
        print(f"| {what} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
