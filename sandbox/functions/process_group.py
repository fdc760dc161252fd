"""A group of processes that ends with the process that made it."""

import os
import subprocess


def end_group_with_this_process() -> "subprocess.Popen[bytes]":
    """A shell of one line that leads a process group and kills it when this process is gone, however it went.

    Function processes join that group. So they cannot outlive the sandbox, and a Ctrl-C in the terminal reaches the
    sandbox alone, which then ends them in order. Closing the returned process's stdin has the same effect.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", "read _; kill -KILL 0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
        process_group=0,
    )
