"""A search that goes on until the caller has enough: the nearest offers of five different shops."""

import numpy as np

import tonari

random = np.random.default_rng(4)
rows = random.standard_normal((20_000, 32)).astype(np.float32)
shop = random.geometric(0.75, 20_000)  # three quarters of the offers are shop 1's

index = tonari.build("HNSW16", rows)

cursor = index.cursor(rows[42], ef=100)
shops: set[int] = set()
for seen, (id, distance) in enumerate(cursor, start=1):
    if int(shop[id]) in shops:
        continue
    shops.add(int(shop[id]))
    print(f"shop {shop[id]}: offer {id} at distance {distance:.1f}")
    if len(shops) == 5:
        break
print(seen, "offers seen,", cursor.late, "of them out of order")

ids, distances = cursor.next(100)  # and a hundred more
print(len(ids), "more, up to distance", round(float(distances[-1]), 1))
