"""Build an index over some rows and find each query's nearest."""

import numpy as np

import tonari

random = np.random.default_rng(1)
rows = random.standard_normal((10_000, 64)).astype(np.float32)
queries = rows[:5] + 0.1 * random.standard_normal((5, 64)).astype(np.float32)

index = tonari.build("HNSW32", rows)
print(index)

ids, distances = index.search(queries, k=3, ef=64)
for query, (near, how_far) in enumerate(zip(ids, distances)):
    print(f"query {query}: rows {near.tolist()} at squared distances {', '.join(f'{d:.2f}' for d in how_far)}")

# "Flat" compares with every row: the exact answers, against which the graph's can be held.
exact, _ = tonari.build("Flat", rows).search(queries, k=3)
print(f"{np.mean(ids == exact):.0%} of the graph's answers are the exact ones")
