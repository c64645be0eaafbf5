"""`python -m bench [NAME] [ARGS]`: one benchmark, or all of them, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

MODULES = {
    "intake": "intake", "segment": "segment", "freshness": "freshness", "lookup": "lookup", "send": "send", "import": "imports",
    "receipts": "receipts", "kill": "kill", "gate": "gate", "react": "react", "journeys": "journeys", "waiting": "waiting",
    "rehearse": "rehearse",
}  # fmt: skip


def main(args: list[str]) -> int:
    names = list(MODULES)
    if args and not args[0].startswith("-"):
        if args[0] not in MODULES:
            print(f"There is no benchmark {args[0]}; there are {', '.join(MODULES)}.", file=sys.stderr)
            return 2
        names, args = [args[0]], args[1:]
    failed = []
    for name in names:
        if len(names) > 1:
            print(f"\n── {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{MODULES[name]}", *args], check=False).returncode != 0:
            failed.append(name)
    if failed and len(names) > 1:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
