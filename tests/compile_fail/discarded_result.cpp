// expects: nodiscard|unused-result
// A Result that nobody looks at is work thrown away, and its error with it.
#include <tonari/core/result.hpp>

tonari::Result<int> count();

int caller() {
#if defined(TONARI_MISTAKE)
    count();
    return 0;
#else
    return count().value();
#endif
}
