"""The command line: python -m diffusion_lab sample | train | evaluate | words | doctor."""

import signal
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. `doctor` imports nothing first: it must run where torch is broken."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["doctor"]:
        from .doctor import doctor

        return 0 if doctor() else 1
    from .commands import main as run

    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(arguments)


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while torch is imported, Ctrl-C just ends it, without a trace
    from .terminal import let_go, steady_streams

    try:
        with steady_streams():
            status = main()
    finally:
        let_go()
    sys.exit(status)
