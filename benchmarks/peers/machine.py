"""What the machine is and what a process holds: read from /proc, so that every library is measured alike."""
import ctypes
import gc
import mmap
import os
import platform
import re
import shutil
import sys

HUGE_PAGE = 2 << 20
MADV_HUGEPAGE = 14
MADV_COLLAPSE = 25  # Linux 6.1: gathers what is already resident into huge pages

FLAGS_OF_INTEREST = ("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
                     "avx512_fp16", "avx512_vpopcntdq", "amx_int8", "amx_bf16", "asimd", "asimdhp", "sve")


def _field(path, key):
    """The bytes of a `Key:  123 kB` line of a /proc file, 0 where the kernel has no such line."""
    try:
        with open(path) as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def resting_memory():
    """Resident bytes of this process after returning freed memory, split by kind.

    smaps_rollup walks the page tables and is exact; the counters in /proc/self/status may lag by some pages.
    """
    gc.collect()
    _libc().malloc_trim(0)
    rollup = "/proc/self/smaps_rollup"
    return {"rss": _field(rollup, "Rss") or _field("/proc/self/status", "VmRSS"),
            "anonymous": _field(rollup, "Anonymous"),
            "huge": _field(rollup, "AnonHugePages")}


def reset_peak():
    """Sets the high-water mark of resident memory to the present value. False where the kernel refuses."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return True
    except OSError:
        return False


def peak_memory():
    """The high-water mark of resident bytes since reset_peak()."""
    return _field("/proc/self/status", "VmHWM")


def available_memory():
    return _field("/proc/meminfo", "MemAvailable")


def gather_huge_pages():
    """Asks for huge pages behind all large anonymous memory of this process; returns the bytes asked for.

    glibc.malloc.hugetlb=1 covers what a library takes from malloc. usearch maps its arenas itself, so the same
    is asked here for every anonymous mapping, whoever made it: a peer with huge pages really has them.
    """
    asked = 0
    for start, end in _anonymous_maps():
        start = -(-start // HUGE_PAGE) * HUGE_PAGE
        length = (end - start) // HUGE_PAGE * HUGE_PAGE
        if length <= 0:
            continue
        for advice in (MADV_HUGEPAGE, MADV_COLLAPSE):
            _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), advice)
        asked += length
    return asked


def _anonymous_maps():
    with open("/proc/self/maps") as file:
        for line in file:
            parts = line.split()
            if not parts[1].startswith("rw") or parts[4] != "0":
                continue
            if len(parts) == 5 or parts[5] == "[heap]" or parts[5].startswith("[anon:"):
                start, end = (int(part, 16) for part in parts[0].split("-"))
                yield start, end


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def pin(cores):
    os.sched_setaffinity(0, cores)


def cores_allowed():
    return sorted(os.sched_getaffinity(0))


def describe():
    """One dictionary for the JSON and the heading of the tables."""
    with open("/proc/cpuinfo") as file:
        text = file.read()
    model = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", text, re.M)
    flags = set((re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M) or [None, ""])[1].split())
    return {"cpu": model.group(1) if model else platform.processor(),
            "flags": [flag for flag in FLAGS_OF_INTEREST if flag in flags],
            "cores": len(cores_allowed()),
            "memory_bytes": _field("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(), "glibc": platform.libc_ver()[1], "python": platform.python_version(),
            "transparent_huge_pages": _transparent_huge_pages(), "page_size": mmap.PAGESIZE,
            "load_average": list(os.getloadavg())}


def _transparent_huge_pages():
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled") as file:
            return re.search(r"\[(\w+)\]", file.read()).group(1)
    except (OSError, AttributeError):
        return "unknown"


def files_of(path):
    """A saved index is a file or, of some libraries, a folder of files."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]


def remove(path):
    """A file or a folder, if there."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def warm_file(path):
    """Reads a file once, so that what follows measures the library and not the disk."""
    with open(path, "rb") as file:
        while file.read(16 << 20):
            pass


if __name__ == "__main__":
    print(describe(), file=sys.stderr)
