"""How kernels are started: one a notebook, talking over local sockets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.manager import AsyncKernelManager


class QuietKernelManager(AsyncKernelManager):
    """A kernel manager that talks over Unix sockets where there are any.

    Nothing outside this machine can then reach the kernel, no port can be taken by another process, and
    ipykernel has no reason to warn of traffic without encryption. On Windows it is the ordinary manager.

    Attributes
    ----------
    extra_environment : dict of str to str
        Variables for the kernel, besides those of this process.
    """

    extra_environment: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._socket_folder: str | None = None
        if sys.platform != "win32":
            # The path of a Unix socket may have about 100 characters, so the folder stays short.
            self._socket_folder = tempfile.mkdtemp(prefix="k", dir="/tmp" if Path("/tmp").is_dir() else None)
            self.transport = "ipc"
            self.ip = f"{self._socket_folder}/s"

    async def _async_start_kernel(self, **kwargs: Any) -> None:
        # What a kernel writes outside its cells (an interrupt at shutdown, for one) is no business of the reader.
        kwargs.setdefault("stderr", subprocess.DEVNULL)
        kwargs["env"] = {**(kwargs.get("env") or os.environ), **self.extra_environment}
        await super()._async_start_kernel(**kwargs)

    start_kernel = _async_start_kernel

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if self._socket_folder and not restart:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources
