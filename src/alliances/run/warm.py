"""Kernels as jupyter_client starts them, one a notebook, over local sockets, forked from a warm process if it can."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.session import Session

from alliances.run import forks

PROVISIONER = "alliances-warm"
LARGEST = 20  # megabytes that a notebook may put out; a chapter has some tenths of one
_live: set["Manager"] = set()


def flags() -> tuple[str, ...]:
    """Return the flags of every kernel: no history in the user's home, and no network unless ALLIANCES_NETWORK is 1."""
    offline = "--InteractiveShellApp.extra_extensions=alliances.run.offline"
    return ("--HistoryManager.enabled=False", *([offline] if os.environ.get("ALLIANCES_NETWORK") != "1" else []))


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel as a fork; in the ordinary way where that fails, or pyproject.toml has no entry point for it."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel."""
        kernel: Any = forks.fork(cmd[2:], kwargs["env"], str(kwargs["cwd"]))
        if kernel is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        while kernel.poll() is None and not Path(f"{self.connection_info['ip']}-1").exists():
            await asyncio.sleep(0.005)  # who connects before its sockets are there waits for a tenth of a second
        return self.connection_info


class _Session(Session):
    """Counts what comes from a kernel, and kills one that puts out more than it may."""

    received = 0

    def deserialize(self, msg_list: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.received += sum(map(len, msg_list))
        if self.received > LARGEST * 1_000_000:
            manager: Any = self.parent
            type(manager).is_flooding = True
            manager.end()
        return super().deserialize(msg_list, *args, **kwargs)


class _Client(AsyncKernelClient):
    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Go on as soon as the kernel has answered; jupyter_client listens for 0.2 s more."""
        until = time.monotonic() + (timeout or 60)
        while await self.is_alive() and time.monotonic() < until:
            self.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                return self._handle_kernel_info_reply(reply)
        raise RuntimeError("The kernel died, or did not answer.")


class Manager(AsyncKernelManager):
    """A kernel manager that talks over Unix sockets where there are any, so that only this user reaches the kernel."""

    # A subclass for each notebook sets these, since papermill makes the instance.
    base: Path  # what the connection file and the sockets begin with
    environment: dict[str, str]
    is_flooding = False  # whether it has put out more than it may, and was killed

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session, self.client_factory = _Session(parent=self), _Client
        self.connection_file = f"{self.base}.json"
        if sys.platform != "win32":
            self.transport, self.ip = "ipc", str(self.base)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *flags()]
        self._kernel_spec = KernelSpec(argv=argv, language="python")  # whatever kernels the user has installed
        if PROVISIONER in KernelProvisionerFactory.instance().provisioners:
            self._kernel_spec.metadata = {"kernel_provisioner": {"provisioner_name": PROVISIONER}}

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

    async def _async_wait(self, pollinterval: float = 0.005) -> None:
        await super()._async_wait(pollinterval)  # a kernel that is killed is gone in a moment

    def end(self) -> None:
        """Kill the kernel and what it has started, at once and from any thread."""
        if pid := getattr(self.provisioner, "pid", None):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM) if sys.platform == "win32" else os.killpg(pid, signal.SIGKILL)


def end_kernels(folder: Path) -> None:
    """Kill the kernels whose files are in a folder."""
    for manager in [each for each in list(_live) if each.base.parent == folder]:
        manager.end()
