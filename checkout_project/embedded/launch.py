"""Become another program that cannot outlive its parent: drop root, tie the knot, exec.

Run as a script by `checkout_project.embedded.children`, never imported. It stands between fork and
exec so that none of this happens in a copy of a process with threads, where it could hang.
"""

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class CapabilityHeader(ctypes.Structure):
    """What capset(2) calls cap_user_header_t."""

    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class CapabilityWord(ctypes.Structure):
    """What capset(2) calls cap_user_data_t; two of them make 64 bits."""

    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def must(result: int, what: str) -> None:
    """Raise what errno says when a libc call failed."""
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def drop_root(libc: ctypes.CDLL, uid: int, gid: int, capability: int) -> None:
    """Become the account, keeping the one capability that opens private parents, or none (-1)."""
    if capability >= 0:
        # initdb asks access(2), which ignores a non-root user's capabilities without this bit.
        must(
            libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0),
            "keeping a capability",
        )
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    if capability >= 0:
        bit = 1 << capability
        words = (CapabilityWord * 2)(CapabilityWord(bit, bit, bit), CapabilityWord(0, 0, 0))
        must(
            libc.capset(ctypes.byref(CapabilityHeader(CAPABILITY_VERSION_3, 0)), words),
            "keeping only one capability",
        )
        must(
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0),
            "passing the capability on",
        )


def die_with_parent(libc: ctypes.CDLL, parent: int, death_signal: int) -> None:
    """Ask the kernel for a signal when the parent dies; after setuid, which forgets the request."""
    must(libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0), "tying to the parent")
    if os.getppid() != parent:  # it died before the request stood
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Read what to become from the command line, and become it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, required=True)
    parser.add_argument("--uid", type=int, default=-1)
    parser.add_argument("--gid", type=int, default=-1)
    parser.add_argument("--capability", type=int, default=-1)
    parser.add_argument("argv", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    argv = asked.argv[1:] if asked.argv[0] == "--" else asked.argv
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if asked.uid >= 0:
            drop_root(libc, asked.uid, asked.gid, asked.capability)
        if sys.platform == "linux":
            die_with_parent(libc, asked.parent, asked.death_signal)
        os.execvp(argv[0], argv)  # noqa: S606 - becoming it is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {argv[0]} as uid {asked.uid}: {error}\n")
        sys.exit(71)


main()
