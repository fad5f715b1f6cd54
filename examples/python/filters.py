"""Only some rows may be answered: by ids, by a mask, by a question; and everything within a distance."""

import numpy as np

import tonari

random = np.random.default_rng(2)
rows = random.standard_normal((5_000, 32)).astype(np.float32)
price = random.uniform(1, 100, 5_000)
query = rows[42]

index = tonari.build("HNSW16", rows, metric="cosine")

cheap = np.flatnonzero(price < 10)
ids, _ = index.search(query, k=3, filter=cheap)  # ids
print("by ids:     ", ids.tolist(), "at prices", [f"{p:.2f}" for p in price[ids]])

ids, _ = index.search(query, k=3, filter=price < 10)  # a mask: id i where mask[i]
print("by a mask:  ", ids.tolist())

ids, _ = index.search(query, k=3, filter=lambda id: bool(price[id] < 10))  # asked once for every id
print("by question:", ids.tolist())

# A filter that serves many searches is translated once.
prepared = index.prepare(price < 10)
print(prepared, index.search(rows[:1000], k=3, filter=prepared)[0].shape)

# Fewer than k pass: the rest is id -1 at distance inf.
print("two pass:   ", index.search(query, k=4, filter=[7, 8])[0].tolist())

offsets, near, distances = index.range_search(rows[:3], radius=0.4)
for q in range(3):
    print(f"within 0.4 of row {q}: {near[offsets[q] : offsets[q + 1]].tolist()}")
