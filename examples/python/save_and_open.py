"""An index is one file: saved whole or not at all, opened at once, shared by every process that maps it."""

from pathlib import Path

import numpy as np

import tonari

random = np.random.default_rng(3)
rows = random.standard_normal((5_000, 48)).astype(np.float32)
ids = np.arange(5_000) + 1_000_000

tonari.build("HNSW16,FP16", rows, ids=ids, metric="ip").save("books.tnr")

books = tonari.open("books.tnr")  # mapped: reads nothing until it is searched
print(books)
print("nearest:", books.search(rows[7], k=3)[0].tolist())

in_memory = tonari.open("books.tnr", residency="load")  # for long use of a large file
assert in_memory.search(rows[7], k=3)[0].tolist() == books.search(rows[7], k=3)[0].tolist()

tonari.verify("books.tnr")  # every byte, every checksum

whole = Path("books.tnr").read_bytes()
Path("half.tnr").write_bytes(whole[: len(whole) // 2])
try:
    tonari.open("half.tnr")
except tonari.Corrupt as error:
    print("refused:", error)
