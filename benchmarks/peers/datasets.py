"""Sets of vectors: found, unpacked, read, and their ground truth checked or computed.

A set is a folder with base.*, query.* and, per metric, gt.ibin or gt_<metric>.ibin. A vector file is uint32 n,
uint32 d, then n*d values: .fbin float32, .u8bin uint8, .i8bin int8, .ibin int32.
"""
import dataclasses
import hashlib
import json
import os
import subprocess
import sys

import numpy as np

import scoring

ELEMENTS = {".fbin": np.float32, ".u8bin": np.uint8, ".i8bin": np.int8, ".ibin": np.int32}
METRICS = ("l2", "ip", "cosine")
BLOCK_BYTES = 128 << 20


@dataclasses.dataclass
class DataSet:
    """One task: rows, queries, a metric, and for each query the exact nearest rows."""
    name: str
    folder: str
    metric: str
    base: str           # path of the base file
    query: str
    rows: int           # how many leading base rows take part
    dim: int
    integers: bool      # the stored element is int8 or uint8
    queries: np.ndarray = None      # float32
    truth: np.ndarray = None        # float64, distance of the k-th nearest row of each query
    fingerprint: str = ""

    @property
    def label(self):
        return f"{self.name}, {self.metric}"

    def vectors(self):
        """The base as it lies in the file, mapped, not copied."""
        return map_matrix(self.base)[:self.rows]


def map_matrix(path):
    element = ELEMENTS.get(os.path.splitext(path)[1])
    if element is None:
        raise SystemExit(f"{path}: expected one of {', '.join(ELEMENTS)}")
    header = np.fromfile(path, dtype="<u4", count=2)
    n, d = (int(value) for value in header)
    expected = 8 + n * d * np.dtype(element).itemsize
    if os.path.getsize(path) != expected:
        raise SystemExit(f"{path}: expected {expected} bytes for {n} x {d}, got {os.path.getsize(path)}")
    return np.memmap(path, dtype=element, mode="r", offset=8, shape=(n, d))


def read_rows(path, rows=None, keep_integers=False):
    """The first rows of a file as a contiguous array: float32, or as stored when keep_integers."""
    matrix = map_matrix(path)[:rows]
    return np.array(matrix, dtype=matrix.dtype if keep_integers else np.float32, order="C")


def unpack(folder, out, names):
    """Unpacks a packed collection (MANIFEST.tsv and unpack.py); what is already there is checked and kept."""
    packed = sorted({line.split("/")[0] for line in open(os.path.join(folder, "MANIFEST.tsv")).readlines()[1:]})
    unknown = set(names) - set(packed)
    if unknown:
        raise SystemExit(f"no such set: {', '.join(sorted(unknown))}; there are {', '.join(packed)}")
    print(f"unpacking {', '.join(names or packed)} to {out}", file=sys.stderr)
    subprocess.run([sys.executable, os.path.join(folder, "unpack.py"), out, *(names or packed)], check=True)
    return out


def find(data, wanted, rows, small, unpacked_to):
    """The sets of a collection; wanted holds names such as "words-50" or "words-50:ip", nothing means all suited.

    Suited are sets with an l2, ip or cosine metric and at least 50,000 rows, where a graph index has work to do.
    """
    names = sorted({name.split(":")[0] for name in wanted})
    if os.path.exists(os.path.join(data, "MANIFEST.tsv")):
        data = unpack(data, unpacked_to, names)
    folders = names or sorted(name for name in os.listdir(data) if _file(os.path.join(data, name), "base"))
    found = []
    for name in folders:
        folder = os.path.join(data, name)
        if not _file(folder, "base"):
            raise SystemExit(f"no such set: {folder} has no base.fbin or base.u8bin")
        metrics = [item.split(":")[1] for item in wanted if item.startswith(name + ":")]
        for metric in metrics or metrics_of(folder):
            dataset = describe(folder, metric, rows)
            if metrics or name in wanted or dataset.rows >= (1 if small else min(50000, rows or 50000)):
                found.append(dataset)
    return found


def metrics_of(folder):
    """The metrics that the folder's facts.json or the names of its truth files state."""
    facts = os.path.join(folder, "facts.json")
    if os.path.exists(facts):
        with open(facts) as file:
            content = json.load(file)
        stated = content.get("metrics") or ([content["metric"]] if "metric" in content else [])
        if stated:
            return [metric for metric in METRICS if metric in stated]
    return [metric for metric in METRICS if os.path.exists(os.path.join(folder, f"gt_{metric}.ibin"))] or ["l2"]


def describe(folder, metric, rows=None):
    """A set without its arrays; load() brings those."""
    if metric not in METRICS:
        raise SystemExit(f"metric {metric}: expected one of {', '.join(METRICS)}")
    base, query = _file(folder, "base"), _file(folder, "query")
    if not base or not query:
        raise SystemExit(f"{folder}: expected base.* and query.* ({', '.join(ELEMENTS)})")
    n, dim = map_matrix(base).shape
    name = os.path.basename(os.path.abspath(folder))
    used = min(rows or n, n)
    return DataSet(name if used == n else f"{name}[:{used}]", folder, metric, base, query, used, dim,
                   map_matrix(base).dtype.kind in "iu")


def load(dataset, k, cache, progress):
    """Reads the queries and brings the truth: read from the folder where it covers these rows, else computed."""
    dataset.queries = read_rows(dataset.query)
    dataset.fingerprint = _fingerprint(dataset)
    ids = _stored_truth(dataset, k)
    if ids is None:
        ids = _computed_truth(dataset, k, cache, progress)
    base = dataset.vectors()
    distances = scoring.distances(base, dataset.queries, ids, dataset.metric)
    dataset.truth = distances.max(axis=1)
    _check_truth(dataset, k)
    return dataset


def _file(folder, stem):
    for ending in (".fbin", ".u8bin", ".i8bin"):
        path = os.path.join(folder, stem + ending)
        if os.path.exists(path):
            return path
    return None


def _fingerprint(dataset):
    """Names the rows by their content, so that a cached index is never used for other data."""
    digest = hashlib.sha256()
    with open(dataset.base, "rb") as file:
        while block := file.read(16 << 20):
            digest.update(block)
    return f"{dataset.rows}x{dataset.dim}-{dataset.metric}-{digest.hexdigest()[:12]}"


def _stored_truth(dataset, k):
    if dataset.rows != map_matrix(dataset.base).shape[0]:
        return None
    for name in (f"gt_{dataset.metric}.ibin", "gt.ibin"):
        path = os.path.join(dataset.folder, name)
        if os.path.exists(path):
            ids = np.array(map_matrix(path)[:, :k], dtype=np.int64)
            if ids.shape == (len(dataset.queries), k):
                return ids
    return None


def _computed_truth(dataset, k, cache, progress):
    """Exact neighbours by a blocked product, refined in float64; kept in the cache."""
    kept = os.path.join(cache, f"truth-{dataset.name}-{dataset.fingerprint}-k{k}.npy".replace("/", "_"))
    if os.path.exists(kept):
        ids = np.load(kept)
        if ids.shape == (len(dataset.queries), k):
            return ids
    ids = scoring.exact_neighbours(dataset.vectors(), dataset.queries, k, dataset.metric, progress)
    os.makedirs(cache, exist_ok=True)
    np.save(kept, ids)
    return ids


def _check_truth(dataset, k, sample=8):
    """Recomputes some queries from the definition: a wrong truth would make every recall wrong in silence."""
    base = dataset.vectors()
    block = max(1, BLOCK_BYTES // (8 * dataset.dim))
    for query in range(0, len(dataset.queries), max(1, len(dataset.queries) // sample)):
        parts = [scoring.distances_to_all(base[start:start + block], dataset.queries[query], dataset.metric)
                 for start in range(0, dataset.rows, block)]
        exact = np.partition(np.concatenate(parts), k - 1)[k - 1]
        if abs(exact - dataset.truth[query]) > 1e-5 * abs(exact) + 1e-7:  # room for truth computed in float32
            raise SystemExit(f"{dataset.label}: ground truth of query {query} is wrong: "
                             f"expected {exact} for neighbour {k}, got {dataset.truth[query]}")
