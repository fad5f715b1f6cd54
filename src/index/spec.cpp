// Spec strings: one table of words for what rows are stored as, one rule for each structure.
#include <tonari/index/spec.hpp>

#include <array>
#include <charconv>

#include <tonari/codec/rabitq.hpp>
#include <tonari/index/fused_hnsw.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/train_lists.hpp>

namespace tonari {
namespace {

struct StoreWord {
    std::string_view word;
    CodeSpec codes;
};
constexpr std::array store_words{
    // of words for the same, the first is the one that is written
    StoreWord{"Flat", {}},
    StoreWord{"FP16", {CodecKind::flat, Element::float16}},
    StoreWord{"SQfp16", {CodecKind::flat, Element::float16}},
    StoreWord{"BF16", {CodecKind::flat, Element::bfloat16}},
    StoreWord{"SQbf16", {CodecKind::flat, Element::bfloat16}},
    StoreWord{"SQ8", {CodecKind::sq8, std::nullopt}},
    StoreWord{"SQ4", {CodecKind::sq4, std::nullopt}},
    StoreWord{"RaBitQ", {CodecKind::fast_scan, std::nullopt}},
    StoreWord{"RaBitQ1", {CodecKind::fast_scan, std::nullopt}},
};
constexpr std::string_view row_list = "Flat, FP16 (or SQfp16), BF16 (or SQbf16), SQ8";
constexpr std::string_view relative_list = "SQ4, PQ<parts>, PQ<parts>x4fs, RaBitQ, RaBitQ<bits> with 2 to 8 bits";

Error unexpected(std::string_view text, std::string_view word, const std::string& expected) {
    return {ErrorCode::invalid_argument,
            "spec '" + std::string(text) + "': expected " + expected + ", got '" + std::string(word) + "'"};
}

/// The number before the end of `word`, if there is one from `least` to `most` behind `prefix` and nothing else.
std::optional<std::size_t> number_between(std::string_view word, std::string_view prefix, std::string_view suffix,
                                          std::size_t least, std::size_t most) noexcept {
    if (!word.starts_with(prefix) || !word.ends_with(suffix) || word.size() < prefix.size() + suffix.size()) {
        return std::nullopt;
    }
    word.remove_prefix(prefix.size());
    word.remove_suffix(suffix.size());
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size() || number < least || number > most)
        return std::nullopt;
    return number;
}

std::optional<CodeSpec> read_codes(std::string_view word) noexcept {
    for (const StoreWord& known : store_words) {
        if (known.word == word) return known.codes;
    }
    if (const auto bits = number_between(word, "RaBitQ", "", RaBitQ::least_bits, RaBitQ::most_bits)) {
        return CodeSpec{CodecKind::rabitq, std::nullopt, 0, *bits};
    }
    auto parts = number_between(word, "PQ", "x4fs", 1, max_dim);
    if (!parts) parts = number_between(word, "PQ", "x4", 1, max_dim);
    if (parts) return CodeSpec{CodecKind::fast_scan, std::nullopt, *parts};
    parts = number_between(word, "PQ", "x8", 1, max_dim);
    if (!parts) parts = number_between(word, "PQ", "", 1, max_dim);
    if (!parts) return std::nullopt;
    return CodeSpec{CodecKind::pq, std::nullopt, *parts};
}
std::string code_word(const CodeSpec& codes) {
    if (codes.parts > 0) {
        return "PQ" + std::to_string(codes.parts) + (codes.codec == CodecKind::fast_scan ? "x4fs" : "");
    }
    if (codes.bits > 0) return "RaBitQ" + std::to_string(codes.bits);
    for (const StoreWord& known : store_words) {
        if (known.codes == codes) return std::string(known.word);
    }
    return "Flat";
}

/// "RFlat", "R(SQ8)", "Refine(FP16)".
std::optional<CodeSpec> read_fine(std::string_view word) noexcept {
    if (word == "RFlat") return CodeSpec{};
    for (const std::string_view opening : {"R(", "Refine("}) {
        if (!word.starts_with(opening) || !word.ends_with(')')) continue;
        const auto codes = read_codes(word.substr(opening.size(), word.size() - opening.size() - 1));
        if (codes && !is_relative(codes->codec)) return codes;
    }
    return std::nullopt;
}
std::string fine_word(const CodeSpec& fine) { return fine == CodeSpec{} ? "RFlat" : "R(" + code_word(fine) + ")"; }

/// The M of "HNSW<M>"; "HNSW" alone is HNSW32, as in faiss.
std::optional<std::size_t> hnsw_links(std::string_view word) noexcept {
    if (word == "HNSW") return 32;
    return number_between(word, "HNSW", "", min_links, max_links);
}

/// "IVF<lists>" and "IVF<lists>_HNSW<M>", and either with "_SOAR" behind it.
bool read_ivf(std::string_view word, Spec& spec) noexcept {
    constexpr std::string_view again = "_SOAR";
    spec.soar = word.ends_with(again);
    if (spec.soar) word.remove_suffix(again.size());
    const std::size_t underscore = word.find('_');
    const auto lists = number_between(word.substr(0, underscore), "IVF", "", spec.soar ? 2 : 1, max_lists);
    if (!lists) return false;
    spec.kind = IndexKind::ivf;
    spec.lists = *lists;
    if (underscore == std::string_view::npos) return true;
    const auto links = hnsw_links(word.substr(underscore + 1));
    spec.coarse_links = links.value_or(0);
    return links.has_value();
}

// --- Transforms: the first word of a spec, if it is one.

constexpr std::string_view transform_list = "RR, RR<dims>, PCA<dims>, PCAR<dims>, OPQ<parts>, OPQ<parts>_<dims>";

/// "RR", "RR64", "PCA64", "PCAR64", "OPQ32", "OPQ32_64".
std::optional<TransformSpec> read_transform(std::string_view word) noexcept {
    if (word == "RR") return TransformSpec{};
    if (const auto out = number_between(word, "RR", "", 1, max_dim))
        return TransformSpec{TransformKind::rotation, *out};
    if (const auto out = number_between(word, "PCA", "", 1, max_dim)) return TransformSpec{TransformKind::pca, *out};
    if (const auto out = number_between(word, "PCAR", "", 1, max_dim)) {
        return TransformSpec{TransformKind::turned_pca, *out};
    }
    const std::size_t underscore = word.find('_');
    const auto parts = number_between(word.substr(0, underscore), "OPQ", "", 1, max_dim);
    if (!parts) return std::nullopt;
    if (underscore == std::string_view::npos) return TransformSpec{TransformKind::opq, 0, *parts};
    const auto out = number_between(word.substr(underscore + 1), "", "", 1, max_dim);
    if (!out) return std::nullopt;
    return TransformSpec{TransformKind::opq, *out, *parts};
}
std::string transform_word(const TransformSpec& transform) {
    const std::string out = transform.out > 0 ? std::to_string(transform.out) : "";
    switch (transform.kind) {
        case TransformKind::rotation: return "RR" + out;
        case TransformKind::pca: return "PCA" + out;
        case TransformKind::turned_pca: return "PCAR" + out;
        case TransformKind::opq: break;
    }
    return "OPQ" + std::to_string(transform.parts) + (out.empty() ? "" : "_" + out);
}

/// The words of a spec, the last of those that may follow each other with all that is behind it.
struct Words {
    std::array<std::string_view, 4> word{};
    std::size_t count = 0;

    explicit Words(std::string_view text) noexcept {
        for (std::size_t comma = 0; comma != std::string_view::npos;) {
            comma = count + 1 < word.size() ? text.find(',') : std::string_view::npos;
            word[count++] = text.substr(0, comma);
            if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return count; }
    std::string_view operator[](std::size_t i) const noexcept { return word[i]; }
};

}  // namespace

Spec spec_of(IndexKind kind, std::size_t links, Element stored, CodecKind codec) {
    Spec spec;
    spec.codec = codec;
    spec.kind = kind;
    spec.links = links;
    if (stored == Element::float16 || stored == Element::bfloat16) spec.store_as = stored;
    return spec;
}

namespace {
/// `rest` is the spec behind its transform, `text` all of it.
Result<Spec> parse_rest(std::string_view text, std::string_view rest) {
    const Words words(rest);
    const auto stored = [] { return "one of " + std::string(row_list); };
    const auto scanned = [&] { return stored() + ", " + std::string(relative_list); };
    Spec spec;
    std::size_t next = 1;
    if (const auto links = hnsw_links(words[0])) {
        spec.kind = IndexKind::hnsw;
        spec.links = *links;
    } else if (!read_ivf(words[0], spec)) {
        if (!read_codes(words[0])) {
            return unexpected(text, words[0],
                              "HNSW<M> with M from 2 to 256, IVF<lists> or IVF<lists>_HNSW<M> with 1 to " +
                                  std::to_string(max_lists) + " lists (from 2 on also with _SOAR behind it), or " +
                                  scanned() + (rest.size() < text.size() ? "" : "; or one of these before it: ") +
                                  std::string(rest.size() < text.size() ? "" : transform_list));
        }
        next = words[0] == "Flat" && words.size() > 1 ? 1 : 0;  // "Flat,FP16" is "FP16"
    }
    if (spec.kind == IndexKind::ivf && next < words.size()) {  // lists that are graphs
        if (const auto links = hnsw_links(words[next])) {
            if (spec.soar) {
                return unexpected(text, words[next],
                                  scanned() + " behind '" + std::string(words[0]) +
                                      "' (the graphs of lists hold each row once: leave out _SOAR)");
            }
            spec.kind = IndexKind::ivf_hnsw;
            spec.links = *links;
            ++next;
        }
    }
    if (next < words.size()) {
        const auto codes = read_codes(words[next]);
        const bool graph = spec.kind == IndexKind::hnsw;
        const bool cells = spec.kind == IndexKind::ivf_hnsw;
        const bool fused = graph && codes && codes->codec == CodecKind::fast_scan && codes->parts == 0;
        const bool in_blocks = codes && is_in_blocks(codes->codec) && !fused;
        if (fused) {
            if (spec.links % FusedHnsw::links_step != 0) {
                return unexpected(text, words[0],
                                  "HNSW<M> with M a multiple of 16 before '" + std::string(words[next]) +
                                      "', whose codes stand 32 to a block beside the links");
            }
            const auto fine = next + 1 < words.size() ? read_fine(words[next + 1]) : std::nullopt;
            if (!fine || fine->codec != CodecKind::flat) {
                return unexpected(text, next + 1 < words.size() ? words[next + 1] : "",
                                  "RFlat, R(FP16) or R(BF16) behind '" + std::string(words[next]) +
                                      "', the rows that the codes of a graph's neighbours are relative to");
            }
        }
        if (cells && (!codes || is_relative(codes->codec))) {
            return unexpected(text, words[next],
                              stored() + (codes ? " (the graphs of lists hold rows as given or rounded; '" +
                                                      std::string(words[next]) + "' goes with IVF<lists> alone)"
                                                : ""));
        }
        if (!codes || (graph && in_blocks)) {
            return unexpected(
                text, words[next],
                !graph ? scanned() + (spec.kind == IndexKind::ivf && !spec.soar ? ", HNSW<M> with M from 2 to 256" : "")
                       : stored() + ", SQ4, PQ<parts>, RaBitQ" +
                             (in_blocks ? " (a graph compares rows one by one; '" + std::string(words[next]) +
                                              "' goes with IVF<lists> and alone)"
                                        : ""));
        }
        static_cast<CodeSpec&>(spec) = *codes;
        ++next;
    } else if (spec.kind == IndexKind::ivf) {
        return Error{ErrorCode::invalid_argument, "spec '" + std::string(text) + "': expected what the lists hold, " +
                                                      scanned() + (spec.soar ? "" : ", or a graph each, HNSW<M>") +
                                                      ", as in '" + std::string(words[0]) +
                                                      ",Flat', got nothing behind '" + std::string(words[0]) + "'"};
    }
    if (next == words.size()) return spec;
    const auto before = [&] { return "'" + std::string(words[next - 1]) + "'"; };
    if (spec.codec == CodecKind::flat || spec.kind == IndexKind::ivf_hnsw) {
        return unexpected(text, words[next], "nothing after " + before());
    }
    spec.fine = read_fine(words[next]);
    const bool rounded = spec.codec == CodecKind::sq8;
    if (!spec.fine || (rounded && spec.fine->codec == CodecKind::sq8)) {
        const std::string finer = rounded ? "RFlat, R(FP16) or R(BF16)" : "RFlat, R(FP16), R(BF16) or R(SQ8)";
        return unexpected(text, words[next], finer + " after " + before());
    }
    if (++next < words.size()) return unexpected(text, words[next], "nothing after '" + fine_word(*spec.fine) + "'");
    return spec;
}
}  // namespace

Result<Spec> parse_spec(std::string_view text) {
    const std::size_t comma = text.find(',');
    const auto transform = read_transform(text.substr(0, comma));
    if (!transform) return parse_rest(text, text);
    const std::string word = transform_word(*transform);
    if (transform->parts > 0 && transform->out % transform->parts != 0) {
        return unexpected(text, word, "OPQ<parts>_<dims> with parts that divide the dimensions");
    }
    if (comma == std::string_view::npos) {
        return Error{ErrorCode::invalid_argument,
                     "spec '" + std::string(text) + "': expected what holds the rows that " + word + " maps, as in '" +
                         word + ",Flat', got nothing behind '" + word + "'"};
    }
    auto spec = parse_rest(text, text.substr(comma + 1));
    if (spec) spec->transform = *transform;
    return spec;
}

std::string to_string(const Spec& spec) {
    const std::string codes = code_word(spec);
    std::string text = spec.transform ? transform_word(*spec.transform) + "," : "";
    if (spec.kind == IndexKind::ivf || spec.kind == IndexKind::ivf_hnsw) {
        text += "IVF" + std::to_string(spec.lists);
        if (spec.coarse_links > 0) text += "_HNSW" + std::to_string(spec.coarse_links);
        if (spec.soar) text += "_SOAR";
        if (spec.kind == IndexKind::ivf_hnsw) text += ",HNSW" + std::to_string(spec.links);
        if (spec.kind == IndexKind::ivf || codes != "Flat") text += "," + codes;
    } else if (spec.kind == IndexKind::hnsw) {
        text += "HNSW" + std::to_string(spec.links);
        if (codes != "Flat") text += "," + codes;
    } else {
        text += codes;
    }
    return spec.fine ? text + "," + fine_word(*spec.fine) : text;
}

}  // namespace tonari
