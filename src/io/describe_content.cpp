// What a file that is not ours looks like. People mix up files; the answer names the one they have in hand.
#include <algorithm>
#include <array>
#include <cstring>

#include <tonari/io/format.hpp>

#include "text.hpp"

namespace tonari {
namespace {

struct Known {
    std::string_view start;
    std::string_view what;
};

using namespace std::string_view_literals;

constexpr std::array known = {
    Known{"version https://git-lfs"sv, "a Git LFS pointer, not the data: run `git lfs pull`"},
    Known{"\x93NUMPY"sv, "a NumPy array (.npy): build an index from it first"},
    Known{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file: build an index from its data first"},
    Known{"PK\x03\x04"sv, "a zip archive (or .npz): unpack it"},
    Known{"\x1f\x8b"sv, "gzip-compressed: unpack it"},
    Known{"\xfd"
          "7zXZ"sv,
          "xz-compressed: unpack it"},
    Known{"\x28\xb5\x2f\xfd"sv, "zstd-compressed: unpack it"},
    Known{"BZh"sv, "bzip2-compressed: unpack it"},
    Known{"SQLite format 3"sv, "an SQLite database"},
    Known{"PAR1"sv, "a Parquet file"},
    Known{"ARROW1"sv, "an Arrow file"},
    Known{"usearch"sv, "a usearch index"},
    Known{"<!DOCTYPE"sv, "a web page: the download went to an error page"},
    Known{"<html"sv, "a web page: the download went to an error page"},
    Known{"\x7f"
          "ELF"sv,
          "a program"},
};

// The four letters with which faiss starts an index.
constexpr std::array faiss_codes = {
    "IxF2"sv, "IxFI"sv, "IxFl"sv, "IHNf"sv, "IHNs"sv, "IHNp"sv, "IHN2"sv, "IHNc"sv, "IwFl"sv, "IwPQ"sv, "IwSq"sv,
    "IwQR"sv, "IwPf"sv, "IxM2"sv, "IxMp"sv, "IxPT"sv, "IxPQ"sv, "IxPq"sv, "IxSQ"sv, "IxHe"sv, "IxHE"sv, "IBxF"sv,
    "IBwF"sv, "IBHf"sv, "IxRF"sv, "IxRP"sv, "IPfs"sv, "INSf"sv, "INNf"sv, "IvFl"sv, "IvPQ"sv, "IvSQ"sv,
};

template <class T>
T read_at(std::span<const std::byte> bytes, std::size_t offset) noexcept {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

/// hnswlib's header has no magic, but its sizes must fit each other (saveIndex, 0.6 to 0.8).
bool looks_like_hnswlib(std::span<const std::byte> head) noexcept {
    if (head.size() < 96) return false;
    const auto word = [&](std::size_t at) { return read_at<std::uint64_t>(head, at); };
    const std::uint64_t label = word(32);
    const std::uint64_t data = word(40);
    const std::uint64_t max_m0 = word(64);
    return word(16) <= word(8) && word(24) == label + 8 && data == max_m0 * 4 + 4 && data < label &&
           max_m0 == 2 * word(72);
}

/// fbin and its kin: n and d, then exactly n * d values.
bool looks_like_bin(std::span<const std::byte> head) noexcept {
    if (head.size() < 8) return false;
    const auto n = read_at<std::uint32_t>(head, 0);
    const auto d = read_at<std::uint32_t>(head, 4);
    return n > 0 && d > 0 && n <= (1U << 31) && d <= (1U << 16);
}

}  // namespace

std::string describe_content(std::span<const std::byte> head) {
    if (head.empty()) return "empty";
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    if (text.starts_with("TONARI")) return "a tonari file";
    for (const Known& k : known) {
        if (text.starts_with(k.start)) return std::string(k.what);
    }
    if (std::find(faiss_codes.begin(), faiss_codes.end(), text.substr(0, 4)) != faiss_codes.end()) {
        return say("a faiss index (", text.substr(0, 4), ")");
    }
    if (looks_like_hnswlib(head)) return "an hnswlib index";

    std::string bytes;
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : text.substr(0, 12)) {
        const auto u = static_cast<unsigned char>(c);
        bytes += digits[u >> 4];
        bytes += digits[u & 15];
        bytes += ' ';
    }
    bytes.pop_back();
    const bool printable =
        std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(12, text.size())),
                    [](char c) { return c >= 0x20 && c < 0x7f; });
    if (printable) return say("unknown, with first bytes \"", text.substr(0, 12), "\"");
    if (looks_like_bin(head)) {
        return say("unknown, with first bytes ", bytes, " (as fbin: ", read_at<std::uint32_t>(head, 0), " rows of ",
                   read_at<std::uint32_t>(head, 4), " dimensions; build an index from such a file first)");
    }
    return say("unknown, with first bytes ", bytes);
}

}  // namespace tonari
