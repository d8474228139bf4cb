"""Kernels as jupyter_client starts them: one a notebook, over local sockets, forked from a warm process where it can.

`ForkProvisioner` is a plug-in: taken out of pyproject.toml's entry points, kernels start in the ordinary way.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from alliances.run import forks

PROVISIONER = "alliances-warm"
#: Flags of every kernel: a history would be written to the user's home.
FLAGS = ("--HistoryManager.enabled=False",)
LARGEST = 20  # megabytes that a notebook may put out; a chapter has some tenths of one
_live: set[Manager] = set()


class TooMuchOutputError(Exception):
    """A notebook puts out more than it may."""


class DeadAtStartError(Exception):
    """A kernel died before it answered."""


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel as a fork, and in the ordinary way where that fails."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, and wait for its sockets: who connects too early is made to wait a tenth of a second."""
        try:
            what: Any = forks.Kernel(cmd[2:], kwargs["env"], str(kwargs["cwd"]))
            kernel: Any = forks.Fork(what)
        except (OSError, EOFError):
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        while kernel.poll() is None and not Path(f"{self.connection_info['ip']}-1").exists():
            await asyncio.sleep(0.005)
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel; it is gone in a moment, where the manager would look ten times a second."""
        process: Any = self.process
        await super().kill(restart)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)


class _Counted(AsyncZMQSocketChannel):
    manager: Manager | None = None
    received = 0

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]  # as above it
        message = await super().get_msg(timeout)
        self.received += len(repr(message["content"]))
        if self.manager and self.received > LARGEST * 1_000_000:
            type(self.manager).is_flooding = True
            self.manager.end()
        return message


class _Client(AsyncKernelClient):
    iopub_channel_class = _Counted

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Go on as soon as the kernel has answered; jupyter_client would wait for messages that nobody reads."""
        self.iopub_channel.manager = self.parent
        until = time.monotonic() + (timeout or 60)
        while await self.is_alive() and time.monotonic() < until:
            self.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                return self._handle_kernel_info_reply(reply)
        raise DeadAtStartError


class Manager(AsyncKernelManager):
    """A kernel manager that talks over Unix sockets where there are any, so that only this user reaches the kernel.

    A subclass for each notebook sets the attributes, since papermill makes the instance: `base`, the path that the
    connection file and the sockets begin with; `environment`; and whether the kernel `is_warm`, that is forked. One
    that puts out more than it may `is_flooding`, and is killed.
    """

    base: Path
    environment: dict[str, str]
    is_warm: bool
    is_flooding = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client_factory = _Client
        self.connection_file = f"{self.base}.json"
        if sys.platform != "win32":
            self.transport, self.ip = "ipc", str(self.base)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel of this Python, whatever kernels the user has installed."""
        name = PROVISIONER if self.is_warm and _is_plugged_in() and forks.start() else "local-provisioner"
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *FLAGS]
        more = {"kernel_provisioner": {"provisioner_name": name}}
        return KernelSpec(argv=argv, display_name="Python 3", language="python", metadata=more)

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONSTARTUP"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # what is no cell's output, nobody reads
        _live.add(self)
        await super()._async_start_kernel(**{**kwargs, **quiet, "env": {**kept, **forks.SETTINGS, **self.environment}})

    start_kernel = _async_start_kernel

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        self.end()  # what the notebook has started goes with it
        _live.discard(self)
        await super()._async_cleanup_resources(restart)

    cleanup_resources = _async_cleanup_resources

    def end(self) -> None:
        """Kill the kernel and what it has started, at once and from any thread."""
        pid = getattr(self.provisioner, "pid", None)
        if pid:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM) if sys.platform == "win32" else os.killpg(pid, signal.SIGKILL)


def end_kernels(folder: Path) -> None:
    """Kill the kernels whose files are in a folder."""
    for manager in [each for each in list(_live) if each.base.parent == folder]:
        manager.end()


@functools.cache
def _is_plugged_in() -> bool:
    return bool(entry_points(group="jupyter_client.kernel_provisioners", name=PROVISIONER))
