"""A step before or after Quarto's render: hand over to the project's own Python, wherever Quarto found this one."""

import os
import subprocess
import sys
from pathlib import Path

project = Path(__file__).resolve().parent.parent
candidates = [project / ".venv" / "bin" / "python", project / ".venv" / "Scripts" / "python.exe"]
python = next((str(path) for path in candidates if path.exists()), sys.executable)
environment = {"ALLIANCES_ROOT": str(project), "PYTHONUTF8": "1", **os.environ}
command = [python, "-m", "alliances.quarto_steps", *sys.argv[1:]]
raise SystemExit(subprocess.run(command, env=environment, check=False).returncode)
