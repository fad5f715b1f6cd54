// How a codec is trained whose codes are relative to origins.
#pragma once

#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/train/sample.hpp>

namespace tonari {

/// A codec trained on some of the rows, relative to what `origin_of(row)` says. Throws bad_alloc.
template <RelativeCodec C, class OriginOf>
Result<C> train_relative_codec(MatrixView rows, const typename C::Params& params, const OriginOf& origin_of) {
    const std::vector<RowId> some = train::sample_rows(rows.rows(), C::training_rows, params.seed);
    std::vector<float> relative(some.size() * rows.dim());
    for (std::size_t i = 0; i < some.size(); ++i) {
        C::relative(rows.row(some[i]), params.metric, origin_of(some[i]), relative.data() + i * rows.dim());
    }
    return C::train(MatrixView(relative.data(), some.size(), rows.dim()), params);
}

}  // namespace tonari
