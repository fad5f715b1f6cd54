// expects: ElementOf
// Rows are float32, float16, bfloat16, int8, uint8 or bits. A matrix of doubles is refused, not narrowed in silence.
#include <cstddef>

#include <tonari/core/view.hpp>

#if defined(TONARI_MISTAKE)
using Value = double;
#else
using Value = float;
#endif

std::size_t caller(const Value* data) { return tonari::MatrixView(data, 10, 4).rows(); }
