# SPDX-License-Identifier: GPL-3.0-or-later
"""The `lightkiln` command. It must not know any of its sub-commands."""

from lightkiln.cli import app


def main() -> None:
    """Run what was typed."""
    app()


if __name__ == "__main__":
    main()
