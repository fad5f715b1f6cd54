// The type-erased growing index: what `GrowingIndex` points to. It is searched as every index is.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <tonari/codec/sq8.hpp>
#include <tonari/index/freeze.hpp>
#include <tonari/index/growing_compact.hpp>
#include <tonari/index/growing_search.hpp>
#include <tonari/index/growing_source.hpp>
#include <tonari/index/id_set.hpp>
#include <tonari/index/index_model.hpp>

namespace tonari {

class TONARI_API GrowingModel : public IndexModel {
public:
    ~GrowingModel() override;

    /// One row; shape and values were checked.
    virtual Status put(RowView row, Id id, PutMode mode) = 0;
    virtual Status remove(Id id) = 0;
    [[nodiscard]] virtual bool contains(Id id) const = 0;
    [[nodiscard]] virtual Result<Id> reserve_ids(std::size_t count) = 0;
    virtual bool tidy() = 0;
    virtual Result<bool> compact(const std::function<void(std::size_t, std::size_t)>& progress) = 0;
    [[nodiscard]] virtual Result<GrowingHealth> health() const = 0;
    [[nodiscard]] virtual Result<Index> freeze() const = 0;
};

/// What all growing indexes do alike.
template <class Growing>
class GrowingModelBase : public GrowingModel {
public:
    explicit GrowingModelBase(std::shared_ptr<Growing> index) noexcept : index_(std::move(index)) {}

    [[nodiscard]] IndexKind kind() const noexcept override { return Growing::kind; }
    [[nodiscard]] Dim dim() const noexcept override { return index_->dim(); }
    [[nodiscard]] Element element() const noexcept override { return index_->codec().element(); }
    [[nodiscard]] MetricKind metric() const noexcept override { return index_->codec().metric_kind(); }
    [[nodiscard]] bool accepts(Element query) const noexcept override { return index_->codec().accepts(query); }
    [[nodiscard]] std::size_t size() const noexcept override { return index_->size(); }

    /// The ids that pass now: later ones do not, unless the filter lists them.
    [[nodiscard]] Result<RowFilter> translate(const Filter& filter) const override {
        std::vector<Id> ids;
        RowFilter prepared;
        if (filter.kind() == Filter::Kind::ids) {
            for (const Id id : filter.listed()) {
                if (id >= 0) ids.push_back(id);
            }
        } else {
            const Epoch::Pin pin = index_->pin();
            index_->for_each_id(pin.moment(), [&](Id id) {
                if (filter.allows(id)) ids.push_back(id);
            });
        }
        auto named = std::make_shared<const IdSet>(std::move(ids));
        for (const Id id : named->ids()) prepared.passing += index_->contains(id) ? 1 : 0;
        prepared.named = std::move(named);
        return prepared;
    }
    Result<bool> search_batch(MatrixView, const SearchOptions&, Answers&) const override { return false; }
    /// The sections of `freeze()`: the file of a frozen index.
    Status save(SectionWriter& writer) const override {
        auto frozen = tonari::freeze(*index_);
        if (!frozen) return std::move(frozen).error();
        return frozen->save(writer);
    }

    Status put(RowView row, Id id, PutMode mode) override { return index_->put(row, id, mode); }
    Status remove(Id id) override { return index_->remove(id); }
    [[nodiscard]] bool contains(Id id) const override { return index_->contains(id); }
    [[nodiscard]] Result<Id> reserve_ids(std::size_t count) override { return index_->reserve_ids(count); }
    bool tidy() override { return index_->tidy(); }
    Result<bool> compact(const std::function<void(std::size_t, std::size_t)>& progress) override {
        return index_->compact(progress);
    }
    [[nodiscard]] Result<GrowingHealth> health() const override { return index_->health(); }
    [[nodiscard]] Result<Index> freeze() const override {
        auto frozen = tonari::freeze(*index_);
        if (!frozen) return std::move(frozen).error();
        return make_index(*std::move(frozen));
    }

protected:
    [[nodiscard]] const Growing& index() const noexcept { return *index_; }

private:
    std::shared_ptr<Growing> index_;
};

template <Codec C>
class GrowingModelOf final : public GrowingModelBase<GrowingHnsw<C>> {
public:
    using Base = GrowingModelBase<GrowingHnsw<C>>;
    using Base::Base;

    [[nodiscard]] Spec spec() const override {
        return spec_of(IndexKind::hnsw, this->index().links(), this->index().codec().element(), C::kind);
    }
    [[nodiscard]] std::vector<IndexPart> parts() const override {
        return {{"rows", this->index().row_bytes()},
                {"ids", this->index().id_bytes()},
                {"links", this->index().link_bytes()}};
    }
    Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const override {
        return GrowingSearch(this->index(), scratch).nearest(query, options);
    }
    Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const override {
        return GrowingSearch(this->index(), scratch).range(query, options);
    }
    [[nodiscard]] Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                              const CursorOptions& options) const override {
        return std::unique_ptr<CursorModel>(
            std::make_unique<CursorOf<GrowingSource<GrowingHnsw<C>>>>(options, this->index(), query, options));
    }
};

extern template class GrowingHnsw<Flat<AnyMetric>>;
extern template class GrowingSearch<GrowingHnsw<Flat<AnyMetric>>>;
extern template class GrowingModelOf<Flat<AnyMetric>>;
extern template class GrowingHnsw<Sq8<AnyMetric>>;
extern template class GrowingSearch<GrowingHnsw<Sq8<AnyMetric>>>;
extern template class GrowingModelOf<Sq8<AnyMetric>>;

}  // namespace tonari
