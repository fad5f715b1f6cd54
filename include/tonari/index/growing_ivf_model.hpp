// Growing inverted lists behind the interface of growing indexes.
#pragma once

#include <memory>
#include <vector>

#include <tonari/codec/pq.hpp>
#include <tonari/codec/sq4.hpp>
#include <tonari/codec/sq8.hpp>
#include <tonari/index/freeze_ivf.hpp>
#include <tonari/index/growing_ivf_batch.hpp>
#include <tonari/index/growing_ivf_compact.hpp>
#include <tonari/index/growing_ivf_search.hpp>
#include <tonari/index/growing_ivf_source.hpp>
#include <tonari/index/growing_model.hpp>

namespace tonari {

template <Codec C, SearchIndex Coarse, class Fine = NoFine>
class GrowingIvfModel final : public GrowingModelBase<GrowingIvf<C, Coarse, Fine>> {
public:
    using Growing = GrowingIvf<C, Coarse, Fine>;
    using Source = GrowingIvfSource<Growing>;
    using GrowingModelBase<Growing>::GrowingModelBase;

    [[nodiscard]] Spec spec() const override {
        Spec spec;
        static_cast<CodeSpec&>(spec) = detail::spec_of_codec(this->index().list_codec());
        if constexpr (Growing::refined) spec.fine = detail::spec_of_codec(this->index().codec());
        spec.kind = IndexKind::ivf;
        spec.lists = this->index().lists().lists();
        if constexpr (requires(const Coarse coarse) { coarse.links(); }) {
            spec.coarse_links = this->index().coarse_lists().index().links();
        }
        return spec;
    }
    [[nodiscard]] std::vector<IndexPart> parts() const override {
        std::vector<IndexPart> parts{{"rows", this->index().row_bytes()}, {"ids", this->index().id_bytes()}};
        if constexpr (Growing::refined) parts.push_back({"fine rows", this->index().fine_bytes()});
        if constexpr (requires { this->index().list_codec().bytes(); }) {
            if (this->index().list_codec().bytes() > 0) parts.push_back({"codec", this->index().list_codec().bytes()});
        }
        parts.push_back({"lists", this->index().list_bytes()});
        parts.push_back({"coarse", this->index().coarse_lists().bytes()});
        return parts;
    }
    Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const override {
        return GrowingIvfSearch<Growing>(this->index(), scratch, options.filter).nearest(query, options);
    }
    Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const override {
        return GrowingIvfSearch<Growing>(this->index(), scratch, options.filter).range(query, options);
    }
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept override {
        const bool may_answer = this->size() > 0 && (options.filter == nullptr || options.filter->named->size() > 0);
        return may_answer && goes_list_by_list(queries, options);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const override {
        if (!has_batch(queries.rows(), options)) return false;
        return search_growing_batch(this->index(), queries, options, out);
    }
    [[nodiscard]] Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                              const CursorOptions& options) const override {
        const bool all = !Source::relative && options.filter != nullptr &&
                         this->index().looks_at_all(options.filter->passing, options.nprobe);
        CursorOptions ahead = options;
        if (all) ahead.ef = 1;  // no row is ahead of others then
        return std::unique_ptr<CursorModel>(
            std::make_unique<CursorOf<Source>>(ahead, this->index(), query, options, all));
    }
};

extern template class GrowingIvf<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Flat<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Flat<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Sq8<AnyMetric>, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Sq8<AnyMetric>, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Pq, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Pq, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Pq, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvf<Pq, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvfModel<Pq, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Pq, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Pq, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvfModel<Pq, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvf<Sq4, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Sq4, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvf<Sq4, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvf<Sq4, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvfModel<Sq4, FlatIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Sq4, HnswIndex<Flat<AnyMetric>>>;
extern template class GrowingIvfModel<Sq4, FlatIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;
extern template class GrowingIvfModel<Sq4, HnswIndex<Flat<AnyMetric>>, Flat<AnyMetric>>;

}  // namespace tonari
