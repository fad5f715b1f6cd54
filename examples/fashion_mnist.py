#!/usr/bin/env python3
"""Downloads Fashion-MNIST and writes it as tonari reads it. Standard library only.

    fashion_mnist.py FOLDER

FOLDER/base.u8bin: the 60,000 training images, FOLDER/query.u8bin: the first 1,000 test images, 784 pixels each.
A .u8bin file is uint32 n, uint32 d, then n * d bytes, little-endian. Files that are complete are kept.
Exit status 1 without a network: the caller has another way.
"""

import gzip
import hashlib
import os
import struct
import sys
import urllib.request

ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FILES = [
    # name there, its MD5 as published, name here, rows wanted
    ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "base.u8bin", 60000),
    ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", "query.u8bin", 1000),
]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, md5, out, rows in FILES:
        path = os.path.join(folder, out)
        if os.path.exists(path):
            continue
        print(f"fetching {ADDRESS}{name}", flush=True)
        try:
            with urllib.request.urlopen(ADDRESS + name, timeout=30) as answer:
                packed = answer.read()
        except OSError as error:
            print(f"not reachable: {error}")
            return 1
        found = hashlib.md5(packed).hexdigest()
        if found != md5:
            print(f"{name}: expected MD5 {md5}, got {found}")
            return 1
        images = gzip.decompress(packed)
        magic, count, height, width = struct.unpack_from(">IIII", images)
        if magic != 0x803 or count < rows:
            print(f"{name}: expected at least {rows} images, got {count} (magic {magic:#x})")
            return 1
        # Written beside and renamed, so that a broken run leaves no half file that the next would keep.
        with open(path + ".part", "wb") as file:
            file.write(struct.pack("<II", rows, height * width))
            file.write(images[16 : 16 + rows * height * width])
        os.rename(path + ".part", path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
