// expects: cannot convert|could not convert|no viable conversion|cannot initialize
// A Result does not turn into its value by itself: whoever takes the value says what happens to the error.
#include <tonari/core/result.hpp>

tonari::Result<int> count();

int caller() {
#if defined(TONARI_MISTAKE)
    const int n = count();
#else
    const int n = count().value();
#endif
    return n;
}
