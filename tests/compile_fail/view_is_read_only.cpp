// expects: read-only|assignment of|cannot assign|not assignable
// Rows belong to the caller and are never written to.
#include <span>

#include <tonari/metric/metric.hpp>

float caller(tonari::VectorView<float> row) {
#if defined(TONARI_MISTAKE)
    row[0] = 1;
#endif
    return row[0];
}
