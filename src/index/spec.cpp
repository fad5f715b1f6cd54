// Spec strings: one table of words for what rows are stored as, one rule for "HNSW<M>".
#include <tonari/index/spec.hpp>

#include <array>
#include <charconv>

#include <tonari/index/hnsw_index.hpp>

namespace tonari {
namespace {

struct StoreWord {
    std::string_view word;
    std::optional<Element> element;
};
constexpr std::array store_words{
    StoreWord{"Flat", std::nullopt},      StoreWord{"FP16", Element::float16},    StoreWord{"SQfp16", Element::float16},
    StoreWord{"BF16", Element::bfloat16}, StoreWord{"SQbf16", Element::bfloat16},
};
constexpr std::string_view store_list = "Flat, FP16 (or SQfp16), BF16 (or SQbf16)";

const StoreWord* find_store(std::string_view word) noexcept {
    for (const StoreWord& known : store_words) {
        if (known.word == word) return &known;
    }
    return nullptr;
}

Error unexpected(std::string_view text, std::string_view word, std::string_view expected) {
    return {ErrorCode::invalid_argument, "spec '" + std::string(text) + "': expected " + std::string(expected) +
                                             ", got '" + std::string(word) + "'"};
}

/// The M of "HNSW<M>"; "HNSW" alone is HNSW32, as in faiss.
std::optional<std::size_t> hnsw_links(std::string_view word) noexcept {
    constexpr std::string_view prefix = "HNSW";
    if (!word.starts_with(prefix)) return std::nullopt;
    word.remove_prefix(prefix.size());
    if (word.empty()) return 32;
    std::size_t links = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), links);
    if (error != std::errc{} || end != word.data() + word.size() || links < min_links || links > max_links)
        return std::nullopt;
    return links;
}

}  // namespace

Spec spec_of(IndexKind kind, std::size_t links, Element stored) {
    Spec spec{kind, links, {}};
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
    } else {
        return unexpected(text, first, "HNSW<M> with M from 2 to 256, or one of " + std::string(store_list));
    }
    if (comma == std::string_view::npos) return spec;
    const std::string_view second = text.substr(comma + 1);
    const StoreWord* store = find_store(second);
    // After "Flat" half precision may follow; after a word that names a precision nothing may.
    if (store == nullptr || spec.store_as) {
        return unexpected(
            text, second,
            spec.store_as ? "nothing after '" + std::string(first) + "'" : "one of " + std::string(store_list));
    }
    spec.store_as = store->element;
    return spec;
}

std::string to_string(const Spec& spec) {
    const std::string_view store = !spec.store_as ? "" : *spec.store_as == Element::float16 ? "FP16" : "BF16";
    if (spec.kind == IndexKind::flat) return std::string(store.empty() ? "Flat" : store);
    std::string text = "HNSW";
    text += std::to_string(spec.links);
    if (!store.empty()) text += ',';
    return text += store;
}

}  // namespace tonari
