// expects: discards qualifiers|passing 'tonari::Searcher'|no matching|not viable
// An answer lies in its searcher: one of a searcher that is gone would point to freed memory.
#include <tonari/index/index.hpp>

std::size_t caller(const tonari::Index& index, tonari::RowView query) {
    tonari::Searcher search = index.searcher();
#if defined(TONARI_MISTAKE)
    return index.searcher()(query).value().size();
#endif
    return search(query).value().size();
}
