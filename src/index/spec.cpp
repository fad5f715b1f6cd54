// Spec strings: one table of words for what rows are stored as, one rule for "HNSW<M>".
#include <tonari/index/spec.hpp>

#include <array>
#include <charconv>

#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/train_lists.hpp>

namespace tonari {
namespace {

struct StoreWord {
    std::string_view word;
    std::optional<Element> element;
    CodecKind codec = CodecKind::flat;
};
constexpr std::array store_words{
    // of words for the same, the first is the one that is written
    StoreWord{"Flat", std::nullopt},        StoreWord{"FP16", Element::float16},
    StoreWord{"SQfp16", Element::float16},  StoreWord{"BF16", Element::bfloat16},
    StoreWord{"SQbf16", Element::bfloat16}, StoreWord{"SQ8", std::nullopt, CodecKind::sq8},
};
constexpr std::string_view store_list = "Flat, FP16 (or SQfp16), BF16 (or SQbf16), SQ8";

const StoreWord* find_store(std::string_view word) noexcept {
    for (const StoreWord& known : store_words) {
        if (known.word == word) return &known;
    }
    return nullptr;
}

std::string_view store_word(const Spec& spec) noexcept {
    for (const StoreWord& known : store_words) {
        if (known.element == spec.store_as && known.codec == spec.codec) return known.word;
    }
    return "Flat";
}

Error unexpected(std::string_view text, std::string_view word, std::string_view expected) {
    return {ErrorCode::invalid_argument, "spec '" + std::string(text) + "': expected " + std::string(expected) +
                                             ", got '" + std::string(word) + "'"};
}

/// The number behind `prefix`, if there is one from `least` to `most` and nothing else.
std::optional<std::size_t> number_behind(std::string_view word, std::string_view prefix, std::size_t least,
                                         std::size_t most) noexcept {
    if (!word.starts_with(prefix)) return std::nullopt;
    word.remove_prefix(prefix.size());
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size() || number < least || number > most)
        return std::nullopt;
    return number;
}

/// The M of "HNSW<M>"; "HNSW" alone is HNSW32, as in faiss.
std::optional<std::size_t> hnsw_links(std::string_view word) noexcept {
    if (word == "HNSW") return 32;
    return number_behind(word, "HNSW", min_links, max_links);
}

/// "IVF<lists>" and "IVF<lists>_HNSW<M>".
bool read_ivf(std::string_view word, Spec& spec) noexcept {
    const std::size_t underscore = word.find('_');
    const auto lists = number_behind(word.substr(0, underscore), "IVF", 1, max_lists);
    if (!lists) return false;
    spec.kind = IndexKind::ivf;
    spec.lists = *lists;
    if (underscore == std::string_view::npos) return true;
    const auto links = hnsw_links(word.substr(underscore + 1));
    spec.coarse_links = links.value_or(0);
    return links.has_value();
}

}  // namespace

Spec spec_of(IndexKind kind, std::size_t links, Element stored, CodecKind codec) {
    Spec spec;
    spec.codec = codec;
    spec.kind = kind;
    spec.links = links;
    if (stored == Element::float16 || stored == Element::bfloat16) spec.store_as = stored;
    return spec;
}

Result<Spec> parse_spec(std::string_view text) {
    const std::size_t comma = text.find(',');
    const std::string_view first = text.substr(0, comma);
    Spec spec;
    if (const auto links = hnsw_links(first)) {
        spec.kind = IndexKind::hnsw;
        spec.links = *links;
    } else if (const StoreWord* store = find_store(first)) {
        spec.store_as = store->element;
        spec.codec = store->codec;
    } else if (!read_ivf(first, spec)) {
        return unexpected(text, first,
                          "HNSW<M> with M from 2 to 256, IVF<lists> or IVF<lists>_HNSW<M> with 1 to " +
                              std::to_string(max_lists) + " lists, or one of " + std::string(store_list));
    }
    if (comma == std::string_view::npos) {
        if (spec.kind != IndexKind::ivf) return spec;
        return Error{ErrorCode::invalid_argument, "spec '" + std::string(text) +
                                                      "': expected what the lists hold, one of " +
                                                      std::string(store_list) + ", as in '" + std::string(first) +
                                                      ",Flat', got nothing behind '" + std::string(first) + "'"};
    }
    const std::string_view second = text.substr(comma + 1);
    const StoreWord* store = find_store(second);
    // After "Flat" another word for what is stored may follow; after such a one nothing may.
    const bool named = spec.store_as || spec.codec != CodecKind::flat;
    if (store == nullptr || named) {
        return unexpected(text, second,
                          named ? "nothing after '" + std::string(first) + "'" : "one of " + std::string(store_list));
    }
    spec.store_as = store->element;
    spec.codec = store->codec;
    return spec;
}

std::string to_string(const Spec& spec) {
    const std::string_view store = store_word(spec);
    if (spec.kind == IndexKind::flat) return std::string(store);
    std::string text;
    if (spec.kind == IndexKind::ivf) {
        text = "IVF" + std::to_string(spec.lists);
        if (spec.coarse_links > 0) text += "_HNSW" + std::to_string(spec.coarse_links);
        return text.append(",").append(store);
    }
    text = "HNSW" + std::to_string(spec.links);
    return store == "Flat" ? text : text.append(",").append(store);
}

}  // namespace tonari
