"""Kernels forked from a warmed process, through jupyter_client's provisioner interface.

An ordinary kernel spends most of its time on imports. Forking it from a process that has done them costs some
milliseconds. Where forking is not to be had (Windows), or fails, the ordinary kernel is the fallback.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from alliances.execution.kernels import QuietKernelManager

FORCE_ORDINARY = "ALLIANCES_ORDINARY_KERNELS"
_SOCKET = "ALLIANCES_ZYGOTE"
_START_LIMIT = 60  # seconds for the imports; they take one


def can_fork() -> bool:
    """Whether kernels can be forked here: not on Windows, and not where the user forbids it."""
    return hasattr(os, "fork") and sys.platform != "win32" and not os.environ.get(FORCE_ORDINARY)


class WarmKernels:
    """The warmed process, as a context: it and all its kernels are gone when the context ends.

    Attributes
    ----------
    manager : str or None
        Import path of the kernel manager to use inside the context.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: str | None = None
        self._is_ready = False

    def __enter__(self) -> WarmKernels:
        if not can_fork():
            return self
        self._folder = tempfile.mkdtemp(prefix="z", dir="/tmp" if Path("/tmp").is_dir() else None)
        path = f"{self._folder}/s"
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "alliances.execution.zygote", path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
                start_new_session=True,
            )
            os.environ[_SOCKET] = path
        except OSError:
            self._close()
        return self

    def ready(self) -> bool:
        """Wait until the process is warm; false where it is not to be had, and ordinary kernels must do."""
        if self._is_ready:
            return True
        if self._process is None or self._process.stdout is None:
            return False
        if self._process.stdout.readline().strip() == "ready":
            self._is_ready = True
            return True
        self._close()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def stop(self) -> None:
        """End the process and all its kernels now."""
        self._close()

    def _close(self) -> None:
        os.environ.pop(_SOCKET, None)
        self._is_ready = False
        if self._process is not None:
            if self._process.stdin:
                self._process.stdin.close()  # it kills its kernels and leaves
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(os.environ[_SOCKET])
        client.sendall((json.dumps(request) + "\n").encode())
        answer = client.makefile("r", encoding="utf-8").readline()
    found: dict[str, Any] = json.loads(answer or "{}")
    return found


class ForkProvisioner(KernelProvisionerBase):
    """Starts a kernel by asking the warmed process for a fork."""

    pid: int | None = None
    status: int | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel whose end has not been seen."""
        return self.pid is not None

    async def poll(self) -> int | None:
        """Return ``None`` while the kernel runs, else its exit status."""
        if self.pid is None:
            return 0
        try:
            status = _ask({"op": "poll", "pid": self.pid})["status"]
        except (OSError, KeyError, ValueError):
            return 1  # the warmed process is gone, and its kernels with it
        return None if status is None else int(status)

    async def wait(self) -> int | None:
        """Wait for the end of the kernel."""
        status = await self.poll()
        while status is None:
            await asyncio.sleep(0.02)
            status = await self.poll()
        self.pid = None
        return status

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel itself; there is no launcher between."""
        if self.pid is not None:
            try:
                _ask({"op": "signal", "pid": self.pid, "signal": int(signum)})
            except OSError:
                return

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """Ask the kernel to leave."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing is left to clean: the warmed process reaps its kernels."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file, as an ordinary launch does."""
        manager = self.parent
        assert manager is not None  # jupyter_client sets it
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        arguments = await super().pre_launch(cmd=["forked"], **kwargs)
        arguments["connection_file"] = manager.connection_file
        return arguments

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork the kernel."""
        environment = {key: str(value) for key, value in (kwargs.get("env") or os.environ).items()}
        environment.pop(_SOCKET, None)
        answer = _ask(
            {
                "op": "fork",
                "connection_file": kwargs["connection_file"],
                "cwd": kwargs.get("cwd") or str(Path.cwd()),
                "env": environment,
            }
        )
        self.pid = int(answer["pid"])
        return self.connection_info


class WarmKernelManager(QuietKernelManager):
    """A kernel manager whose kernels are forked."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The specification that names the provisioner; nothing is installed for it."""
        return KernelSpec(
            argv=["forked", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": "alliances-fork"}},
        )
