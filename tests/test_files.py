"""Writing and reading files: links, special files, rights, locks, signals, damage."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from common import ROOT

from diffusion_lab import ContextUnet, Run, TrainConfig, load_model
from diffusion_lab.files import check_place, clear_leftovers, read_state, write_safely
from diffusion_lab.interrupts import Stop, held_back
from diffusion_lab.locks import Lock


def put(path, data=b"new"):
    write_safely(path, lambda file: file.write(data))


def everything(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    put(link)
    assert link.is_symlink() and target.read_bytes() == b"new" and everything(tmp_path / "far") == ["target"]
    target.unlink()
    put(link)  # a dangling one, into a folder that is there
    assert link.is_symlink() and target.read_bytes() == b"new"
    link.unlink()
    link.symlink_to(tmp_path / "nowhere" / "target")
    with pytest.raises(OSError, match=r"link could not be written \(.*nowhere is no folder"):
        put(link)


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/null")
    for path in (tmp_path / "fifo", tmp_path / "device", Path("/dev/null")):
        for act in (put, check_place):
            with pytest.raises(OSError, match="it is no regular file"):
                act(path)
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_counts_and_an_old_file_keeps_its_rights(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        put(tmp_path / "a")
        (tmp_path / "b").write_bytes(b"old")
        (tmp_path / "b").chmod(0o640)
        put(tmp_path / "b")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode and stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o640


def test_a_file_that_may_only_be_read_is_not_replaced(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o444)
    for act in (put, check_place):
        with pytest.raises(OSError, match="it may only be read"):
            act(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old" and everything(tmp_path) == ["a"]


def test_names_that_are_long_or_too_long(tmp_path):
    put(tmp_path / ("n" * 250))
    assert everything(tmp_path) == ["n" * 250]
    for name in ("n" * 256, "ü" * 200, "a\0b"):
        with pytest.raises(OSError, match="could not be written"):
            check_place(tmp_path / name)


def test_what_killed_processes_left_is_cleared_and_what_living_ones_write_is_not(tmp_path, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    seen = []

    def broken(source, target):
        seen.append(Path(source))
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", broken)
        patch.setattr(os, "unlink", lambda path: None)  # as if it were killed there
        with pytest.raises(OSError, match="Input/output error"):
            put(tmp_path / "w.pt")
    (mine,) = seen
    theirs = mine.with_name(mine.name.replace(f".{os.getpid()}.", f".{gone.pid}."))
    theirs.write_bytes(b"half")
    (tmp_path / ".other.1.part").write_bytes(b"not ours")
    clear_leftovers(tmp_path / "w.pt")
    assert everything(tmp_path) == sorted([".other.1.part", mine.name])


def test_a_signal_waits_until_the_file_is_there(tmp_path, monkeypatch):
    came, replace = [], os.replace

    def interrupted(source, target):
        os.kill(os.getpid(), signal.SIGINT)
        came.append("before")
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path / "a")
    assert came == ["before"] and (tmp_path / "a").read_bytes() == b"new" and everything(tmp_path) == ["a"]


def test_signals_are_handed_on_as_they_were(monkeypatch):
    heard = []
    old = signal.signal(signal.SIGTERM, lambda *_: heard.append("term"))
    try:
        with held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard == []
        assert heard == ["term"]
        ran = []
        other = threading.Thread(target=lambda: [ran.append(1) for _ in [0] for _ in [held_back().__enter__()]])
        other.start()
        other.join()
        assert ran == [1]  # in another thread it changes nothing, and does not fail
    finally:
        signal.signal(signal.SIGTERM, old)


def test_the_first_signal_is_noted_and_the_second_leaves():
    before = signal.getsignal(signal.SIGINT)
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.asked == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before
    twice = "import os, signal\nfrom diffusion_lab.interrupts import Stop\nwith Stop():\n"
    twice += "    os.kill(os.getpid(), signal.SIGTERM)\n    os.kill(os.getpid(), signal.SIGINT)\n    print('here')"
    done = subprocess.run([sys.executable, "-c", twice], cwd=ROOT, capture_output=True, text=True)
    said = "diffusion_lab: stopped at once: add --resume to the same command to go on from the last checkpoint"
    assert (done.returncode, done.stdout, done.stderr.split("\n")) == (130, "", ["", said, ""])
    done = subprocess.run(
        [sys.executable, "-c", twice.replace("Stop()", "Stop(patient=True)")], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "here\n", "")


ONCE = """
import os, signal, sys
from diffusion_lab.interrupts import once
signal.signal(signal.SIGINT, once)
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("stopped", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
print("never")
"""
EARLY = """
import os, runpy, signal, sys
from diffusion_lab import commands
commands.parser = lambda functions: os.kill(os.getpid(), signal.SIGINT)
runpy.run_module("diffusion_lab", run_name="__main__")
"""


def test_the_first_ctrl_c_is_answered_and_a_second_one_ends_the_process_without_a_trace():
    done = subprocess.run([sys.executable, "-c", ONCE], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "stopped\n", "")
    done = subprocess.run([sys.executable, "-c", EARLY], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "diffusion_lab: stopped\n")


HOLD = """
import sys
from pathlib import Path
from diffusion_lab.locks import Lock
with Lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_writer_at_a_time_and_a_crash_leaves_nothing_locked(tmp_path):
    path = tmp_path / "w.pt"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(ValueError, match=r"Another training writes w\.pt now"), Lock(path):
        pass
    with Lock(tmp_path / "v.pt"):
        pass
    other.kill()
    other.wait()
    assert (tmp_path / "w.pt.lock").exists()
    with Lock(path):
        pass
    assert everything(tmp_path) == []


def test_a_signal_while_the_lock_is_let_go_leaves_no_file(tmp_path, monkeypatch):
    unlink = os.unlink

    def interrupted(path):
        os.kill(os.getpid(), signal.SIGINT)
        unlink(path)

    monkeypatch.setattr(os, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt), Lock(tmp_path / "w.pt"):
        pass
    assert everything(tmp_path) == []


def test_locks_that_follow_each_other_quickly_are_never_held_twice(tmp_path):
    """Each removes its file at the end: who opened it just before must not think that it has the lock."""
    path, inside, most, taken = tmp_path / "w.pt", [], [], []

    def work():
        for _ in range(300):
            try:
                with Lock(path):
                    inside.append(1)
                    most.append(len(inside))
                    taken.append(1)
                    inside.pop()
            except ValueError:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(taken) > 20


def test_single_flipped_bits_are_seen(tmp_path):
    """Or they are harmless, as in what pads the archive: the numbers are then the same."""
    run = Run(TrainConfig(n_feat=8, updates=1), "cpu")
    run.export(tmp_path / "w.pt")
    whole, g = (tmp_path / "w.pt").read_bytes(), torch.Generator().manual_seed(0)
    good = load_model(tmp_path / "w.pt")[0].state_dict()
    seen = 0
    for place in torch.randint(len(whole), (60,), generator=g).tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        (tmp_path / "bad.pt").write_bytes(damaged)
        try:
            state = load_model(tmp_path / "bad.pt")[0].state_dict()
        except ValueError as error:
            assert "bad.pt" in str(error) and "\n" not in str(error)
            seen += 1
        else:
            assert all(torch.equal(state[name], good[name]) for name in good)  # it was harmless
    assert seen >= 45


def test_weights_that_are_no_numbers_are_not_drawn_from(tmp_path):
    for value in (torch.nan, torch.inf):
        state = ContextUnet().state_dict()
        state["out.3.bias"][0] = value
        torch.save(state, tmp_path / "w.pt")
        with pytest.raises(ValueError, match=r"w\.pt holds weights that are no finite numbers"):
            load_model(tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("network", "settings", {"in_channels": 3, "n_feat": 10**9, "n_cfeat": 5, "height": 16, "prediction": "v"}),
        ("network", "settings", {"in_channels": 3, "n_feat": 8, "n_cfeat": 10**12, "height": 16, "prediction": "v"}),
        ("network", "settings", {"in_channels": 3, "n_feat": 8, "n_cfeat": 5, "height": 10**6, "prediction": "v"}),
        ("sampling", "steps", True),
        ("sampling", "guidance", True),
        ("sampling", "guidance", "much"),
    ],
)
def test_fields_out_of_range_are_one_sentence_and_take_no_memory(part, name, value, tmp_path):
    Run(TrainConfig(n_feat=8, updates=1), "cpu").export(tmp_path / "w.pt")
    state = read_state(tmp_path / "w.pt")
    state[part][name] = value
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=f'under "{part}" is damaged'):
        load_model(tmp_path / "w.pt")
