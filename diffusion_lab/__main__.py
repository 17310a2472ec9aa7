"""The command line: python -m diffusion_lab sample | train | evaluate | words | doctor."""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. `doctor` imports nothing first: it must run where torch is broken."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["doctor"]:
        from .doctor import doctor

        return 0 if doctor() else 1
    from .commands import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
