"""Kernels forked from a warmed process, through jupyter_client's provisioner interface.

An ordinary kernel spends most of its time on imports. Forking it from a process that has done them costs some
milliseconds. Where forking is not to be had (Windows), or fails, the ordinary kernel is the fallback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from alliances.execution.kernels import QuietKernelManager

_ANSWER_LIMIT = 30  # seconds; an answer takes milliseconds


class ForkError(RuntimeError):
    """The warmed process could not give a kernel; an ordinary one must do."""


def _ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_LIMIT)
        client.connect(str(path))
        client.sendall((json.dumps(request) + "\n").encode())
        answer = client.makefile("r", encoding="utf-8").readline()
    found: dict[str, Any] = json.loads(answer or "{}")
    return found


class ForkProvisioner(KernelProvisionerBase):
    """Starts a kernel by asking the warmed process for a fork."""

    pid: int | None = None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert isinstance(self.parent, WarmKernelManager)  # jupyter_client sets it
        return _ask(self.parent.hold.base.parent / "s", request)

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel whose end has not been seen."""
        return self.pid is not None

    async def poll(self) -> int | None:
        """Return ``None`` while the kernel runs, else its exit status."""
        if self.pid is None:
            return 0
        try:
            status = self._ask({"op": "poll", "pid": self.pid})["status"]
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
        self.signal_now(signum)

    def signal_now(self, signum: int) -> None:
        """Send a signal from any thread."""
        if self.pid is not None:
            with contextlib.suppress(OSError, ValueError):
                self._ask({"op": "signal", "pid": self.pid, "signal": int(signum)})

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
        """Fork the kernel.

        Raises
        ------
        ForkError
            If the warmed process is gone or cannot fork.
        """
        environment = {key: str(value) for key, value in (kwargs.get("env") or os.environ).items()}
        request = {
            "op": "fork",
            "connection_file": kwargs["connection_file"],
            "cwd": kwargs.get("cwd") or str(Path.cwd()),
            "env": environment,
        }
        try:
            self.pid = int(self._ask(request)["pid"])
        except (OSError, KeyError, ValueError) as error:
            raise ForkError("the warmed process could not fork a kernel") from error
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

    def kill_now(self) -> None:
        """Kill the kernel and what it has started, at once and from any thread."""
        if isinstance(self.provisioner, ForkProvisioner):
            self.provisioner.signal_now(signal.SIGKILL)
