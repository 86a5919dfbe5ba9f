"""The program's door: `cln-media` and `python -m pipeline` begin here, so that even an early Ctrl-C ends quietly."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from pipeline.cli import main as run  # noqa: PLC0415 - an interruption while it loads is caught here
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
