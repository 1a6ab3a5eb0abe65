"""`python -m tests [pytest's arguments]`: prepares what the tests need, then runs lint, types, floors and tests as one."""

from __future__ import annotations

import os
import sys

from aristobot.bootstrap import ROOT, prepare


def main() -> int:
    """Pytest's exit code. Lint, types and import contracts are tests too: tests/test_architecture.py."""
    prepare("tests", sys.argv[1:], extra="dev")
    os.chdir(ROOT)
    import pytest  # only now is it there

    return pytest.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
