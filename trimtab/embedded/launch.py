"""Becomes another program, demoted and tied to the life of the process that started it.

Run as a script of its own (`python -I -S launch.py SIGNAL PARENT USER PROGRAM ...`), standard library
only: code between fork and exec in a process with threads may deadlock, a fresh process cannot.
USER is `-` or `uid:gid`.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(signal_number: int, parent: int, user: str, argv: list[str]) -> None:
    """Replaces this process; returns never.

    The parent-death signal is set after the change of user, since the kernel clears it there.
    """
    if user != "-":
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - becoming the given program is the purpose


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
