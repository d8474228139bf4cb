"""What the fork server imports before any kernel is forked; what cannot be imported is left to the kernels.

Nothing here may start a thread or draw a chart: a fork after vl-convert has run never returns.
"""

import contextlib
import gc
import importlib
import sys

_NAMES = ("ipykernel.debugger", "ipykernel.kernelapp", "IPython.core.completerlib", "IPython.core.debugger",
          "IPython.core.oinspect", "IPython.extensions.storemagic", "tornado.platform.asyncio", "altair",
          "pandas.io.formats.html", "alliances.charts.map", "alliances.edition", "alliances.run.forks")  # fmt: skip

# Nobody steps through a chapter of a build, and the debugger takes longer to import than a kernel to start; ipykernel
# does without it where it is not installed, and None is Python's own way to say that it is not.
sys.modules["debugpy"] = None  # type: ignore[assignment]
for _name in _NAMES:
    with contextlib.suppress(Exception):
        importlib.import_module(_name)
del sys.modules["debugpy"]
with contextlib.suppress(Exception):
    import altair
    from altair.utils import schemapi

    schemapi.disable_debug_mode()  # a chart is then checked when it is put out, not each part when it is made
    # Altair makes a table of all its classes for each channel: here they share one.
    _table = schemapi._FromDict(altair.X._default_wrapper_classes())
    vars(schemapi).update(_FromDict=lambda _classes: _table)
with contextlib.suppress(Exception):
    import pandas as pd

    pd.set_option("display.max_columns", 20)  # imported outside of a kernel, pandas takes itself for in a terminal
gc.collect()
gc.freeze()  # the kernels' collectors leave alone what they share, so that it stays shared
