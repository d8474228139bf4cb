"""How kernels are started: one a notebook, talking over local sockets, and ended from any thread."""

from __future__ import annotations

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
from jupyter_client.manager import AsyncKernelManager

_CHANNELS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")


class Hold:
    """What a notebook's kernel is given, and the means to end it from another thread.

    Parameters
    ----------
    base : Path
        Path that its connection file and its sockets begin with; their folder is not the kernel's to remove.
    environment : dict of str to str
        Variables for the kernel, besides those of this process.
    """

    def __init__(self, base: Path, environment: dict[str, str]) -> None:
        self.base = base
        self.environment = environment
        self.ended = False
        self.manager: QuietKernelManager | None = None

    def end(self) -> None:
        """Kill the kernel; one that is about to start will not."""
        self.ended = True
        if self.manager is not None:
            self.manager.kill_now()

    def stop_if_ended(self) -> None:
        """Kill a kernel that has started although its end was asked for meanwhile, and give up."""
        if self.ended:
            self.end()
            raise RuntimeError("the kernel was ended while it started")


class PromptClient(AsyncKernelClient):
    """A client that goes on as soon as its kernel has answered.

    jupyter_client's own then waits two tenths of a second for messages that nobody reads: nbclient passes over
    whatever does not answer its own requests.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers on both channels that a notebook needs.

        Raises
        ------
        RuntimeError
            If it dies, or has not answered within `timeout` seconds.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                if reply["msg_type"] == "kernel_info_reply":
                    self._handle_kernel_info_reply(reply)
                    return
            if not await self.is_alive():
                raise RuntimeError("the kernel died before it answered")
            if time.monotonic() > until:
                raise RuntimeError(f"the kernel did not answer in {timeout:g} seconds")


class QuietKernelManager(AsyncKernelManager):
    """A kernel manager that talks over Unix sockets where there are any.

    Nothing outside this machine can then reach the kernel, no port can be taken by another process, and
    ipykernel has no reason to warn of traffic without encryption. On Windows it is the ordinary manager.

    Attributes
    ----------
    hold : Hold
        The notebook's hold on its kernel; a subclass for each notebook sets it, since papermill makes the instance.
    """

    hold: Hold

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client_factory = PromptClient
        self.hold.manager = self
        self.connection_file = f"{self.hold.base}.json"
        if sys.platform != "win32":
            self.transport = "ipc"
            self.ip = str(self.hold.base)

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        self.hold.stop_if_ended()
        # What a kernel writes outside its cells (an interrupt at shutdown, for one) is no business of the reader.
        kwargs.setdefault("stderr", subprocess.DEVNULL)
        kwargs["env"] = {**(kwargs.get("env") or os.environ), **self.hold.environment}
        await super()._async_start_kernel(**kwargs)
        await self._sockets()
        self.hold.stop_if_ended()

    start_kernel = _async_start_kernel

    async def _async_wait(self, pollinterval: float = 0.005) -> None:
        """Wait for the end of a kernel that has been killed; jupyter_client's own looks ten times a second."""
        await super()._async_wait(pollinterval)

    async def _sockets(self) -> None:
        """Wait until the kernel's sockets are there: one who comes too early is made to wait a tenth of a second."""
        if self.transport != "ipc":
            return
        names = [f"{self.ip}-{getattr(self, channel)}" for channel in _CHANNELS]
        until = time.monotonic() + 10
        while time.monotonic() < until and not all(map(os.path.exists, names)):
            if not await self.is_alive():
                return  # whoever waits for its answer finds out
            await asyncio.sleep(0.005)

    def kill_now(self) -> None:
        """Kill the kernel and what it has started, at once and from any thread."""
        process = getattr(self.provisioner, "process", None)
        if process is None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # its own group, which may outlive it
