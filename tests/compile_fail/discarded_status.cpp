// expects: nodiscard|unused-result
// A Status that nobody looks at is a silent failure.
#include <tonari/core/result.hpp>

tonari::Status write();

bool caller() {
#if defined(TONARI_MISTAKE)
    write();
    return true;
#else
    return write().ok();
#endif
}
