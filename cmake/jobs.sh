#!/bin/sh
# Prints how many compilers may run at once: no more than the processors that this container may use, and one per
# 1.5 GB of memory that it has left.
set -eu

jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

# at_most NUMBER: lowers `jobs`.
at_most() {
    if [ "$1" -lt "$jobs" ]; then jobs=$1; fi
    if [ "$jobs" -lt 1 ]; then jobs=1; fi
}

# The processor quota: cgroup v2, then v1. Half a processor counts as one.
if [ -r /sys/fs/cgroup/cpu.max ]; then
    read -r quota period </sys/fs/cgroup/cpu.max
    if [ "$quota" != max ]; then at_most $(((quota + period - 1) / period)); fi
elif [ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
    quota=$(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us)
    period=$(cat /sys/fs/cgroup/cpu/cpu.cfs_period_us)
    if [ "$quota" -gt 0 ]; then at_most $(((quota + period - 1) / period)); fi
fi

# Memory: what the machine has free, and what the cgroup still allows. Page cache can be given back, so it is not
# counted as used. Numbers above 2^50 mean "no limit" in cgroup v1.
kilobytes=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || true)
if [ -n "$kilobytes" ]; then at_most $((kilobytes / 1500000)); fi

# at_most_memory LIMIT_FILE STAT_FILE KEY: KEY of STAT_FILE is the memory of the processes themselves.
at_most_memory() {
    [ -r "$1" ] && [ -r "$2" ] || return 0
    limit=$(cat "$1")
    used=$(awk -v key="$3" '$1 == key { print $2 }' "$2")
    case $limit in
        max | *[!0-9]*) ;;
        *) if [ ${#limit} -lt 16 ]; then at_most $(((limit - ${used:-0}) / 1500000000)); fi ;;
    esac
}
at_most_memory /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.stat anon
at_most_memory /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory/memory.stat total_rss

echo "$jobs"
