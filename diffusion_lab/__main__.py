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
    from .interrupts import once

    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, once)
    return run(arguments)


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while torch is imported, Ctrl-C just ends it, without a trace
    from .terminal import let_go, steady_streams

    try:
        with steady_streams() as out:
            try:
                status = main()
            except SystemExit as left:  # --help, and options that cannot be read
                status = left.code
            except KeyboardInterrupt:  # before the command began
                print("diffusion_lab: stopped", file=sys.stderr)
                status = 130
            out.flush()
            if out.lost:
                print(f"diffusion_lab: what was to be printed could not be written ({out.lost})", file=sys.stderr)
                status = status or 2
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to end any more
        let_go()
    sys.exit(status)
