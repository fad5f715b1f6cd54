"""Rows that come, go and change while they are searched, and a file of how they are at one moment."""

import numpy as np

import tonari

random = np.random.default_rng(1)
rows = random.standard_normal((5_000, 32)).astype(np.float32)

# Without rows yet: the index is told how many dimensions they will have.
books = tonari.build("HNSW16", growing=True, dim=32)
ids = books.add(rows, threads=0)
print(books)

# Ids are numbered, or yours; an id that is there already is replaced only where you say so.
books.add(rows[:2] + 1, ids=[9_001, 9_002])
books.add(rows[2], ids=9_001, replace=True)
books.update(rows[3:4], [9_002])
books.remove(ids[1_000:2_000])
books.remove(7)
print(f"{len(books)} rows; 7 is {'there' if 7 in books else 'gone'}")

try:
    books.remove(7)
except tonari.NotFound as error:
    print(f"refused: {error}")

near, distances = books.search(rows[2], k=2)
print(f"at distance {distances.tolist()}: {sorted(near.tolist())}")

# What is saved is a graph that rests. It opens as one, or as one that goes on growing.
books.save("books.tnr")
print(tonari.open("books.tnr"))
print(tonari.open("books.tnr", growing=True))
