"""A control group of Linux: so much memory and so much processor time, as an instance of Cloud Run has them."""

import os
import pathlib

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD = 100_000                          # µs; of which a process may run its share, and then waits


def version():
    """2 where memory and processor time are of the one hierarchy, else 1."""
    unified = ROOT / "cgroup.controllers"
    return 2 if unified.exists() and "memory" in unified.read_text() else 1


def unavailable():
    """Why no group can be made here; none when one can."""
    try:
        Group("try", 64 << 20, 1).remove()
    except OSError as error:
        return f"no control group with a limit can be made here ({error})"
    return None


class Group:
    """In version 2 one directory with all, in version 1 one for each controller."""

    def __init__(self, name, memory, processors):
        unified = version() == 2
        name = f"bench-{os.getpid()}-{name}"
        quota = int(processors * PERIOD)
        if unified:
            (ROOT / "cgroup.subtree_control").write_text("+memory +cpu")
            self.memory = self.cpu = ROOT / name
        else:
            self.memory, self.cpu = ROOT / "memory" / name, ROOT / "cpu" / name
        self.made = []
        try:
            for directory in dict.fromkeys((self.memory, self.cpu)):
                directory.mkdir()
                self.made.append(directory)
            if unified:
                (self.memory / "memory.max").write_text(str(memory))
                (self.cpu / "cpu.max").write_text(f"{quota} {PERIOD}")
            else:
                (self.memory / "memory.limit_in_bytes").write_text(str(memory))
                (self.cpu / "cpu.cfs_period_us").write_text(str(PERIOD))
                (self.cpu / "cpu.cfs_quota_us").write_text(str(quota))
            # an instance has no swap; where the machine has none either, version 1 lacks the file
            for swap, most in (("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", memory)):
                if (self.memory / swap).exists():
                    (self.memory / swap).write_text(str(most))
        except OSError:
            self.remove()
            raise

    def enter(self):
        """Puts the calling process in: between fork and exec."""
        for directory in self.made:
            (directory / "cgroup.procs").write_text(str(os.getpid()))

    def peak(self):
        """The most that was ever charged, in MB: pages of the process and of the kernel on its behalf; none where the kernel does not keep it."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (self.memory / name).exists():
                return int((self.memory / name).read_text()) / 1e6
        return None

    def killed(self):
        """Processes that were killed for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (self.memory / name).exists():
                return int(dict(line.split() for line in (self.memory / name).read_text().splitlines())["oom_kill"])
        raise RuntimeError("the kernel does not count what it kills")

    def remove(self):
        """Its processes have to have ended."""
        for directory in self.made:
            directory.rmdir()
