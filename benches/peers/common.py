"""Where the peers are installed, and how our programs are built."""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
PLACE = TARGET / "peers"
PYTHON = PLACE / "bin" / "python"
# Made last, so that an installation that was broken off is begun again.
DONE = PLACE / "installed"


def install():
    """Starts this script again in an environment that has the peers, unless it runs in it."""
    if pathlib.Path(sys.prefix) == PLACE:
        return
    if not DONE.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PLACE)], check=True)
        wanted = str(HERE / "requirements.txt")
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        DONE.touch()
    os.execv(PYTHON, [str(PYTHON), *sys.argv])


def build(name):
    """Builds one of our programs; returns its path."""
    command = ["cargo", "build", "--release", "--quiet", "-p", "pipeline-benches", "--bin", name]
    subprocess.run(command, check=True, cwd=ROOT)
    return TARGET / "release" / name
