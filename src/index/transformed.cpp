// Queries on their way in, and answers on their way out.
#include <tonari/index/transformed.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace tonari {
namespace {

/// Distances as those of rows, in order again: two that differed may be one now, and then ids decide.
void lift(std::vector<Neighbor>& neighbors, float by) noexcept {
    if (by == 0) return;
    for (Neighbor& neighbor : neighbors) neighbor.distance += by;
    std::sort(neighbors.begin(), neighbors.end(), [](const Neighbor& a, const Neighbor& b) { return nearer(a, b); });
}

class TransformedCursor final : public CursorModel {
public:
    TransformedCursor(std::unique_ptr<CursorModel> mapped, const RowMap& map) noexcept
        : mapped_(std::move(mapped)), map_(&map) {}
    Outcome next(std::size_t n, const Deadline& deadline, std::vector<Neighbor>& out) override {
        Outcome outcome = mapped_->next(n, deadline, out);
        lift(out, map_->lift());
        outcome.exact = outcome.exact && !map_->drops();
        return outcome;
    }
    [[nodiscard]] bool done() const noexcept override { return mapped_->done(); }
    [[nodiscard]] std::size_t late() const noexcept override { return mapped_->late(); }

private:
    std::unique_ptr<CursorModel> mapped_;
    const RowMap* map_;  // of the index that a cursor keeps alive
};

}  // namespace

Result<Index> Transformed::create(RowMap map, const Index& mapped) {
    const IndexModel& inner = mapped.model();
    if (inner.dim() != map.mapped_dim() || inner.metric() != map.mapped_metric() || !inner.accepts(Element::float32)) {
        return Error{ErrorCode::invalid_argument,
                     "expected an index over float32 rows of " + std::to_string(map.mapped_dim()) +
                         " dimensions under " + std::string(name(map.mapped_metric())) +
                         ", as rows are mapped, got one over " + std::string(name(inner.element())) + " rows of " +
                         std::to_string(inner.dim()) + " under " + std::string(name(inner.metric()))};
    }
    return Index(std::shared_ptr<const IndexModel>(new Transformed(std::move(map), mapped)));
}

Spec Transformed::spec() const {
    Spec spec = mapped().spec();
    spec.transform = map_.spec();
    return spec;
}

std::vector<IndexPart> Transformed::parts() const {
    std::vector<IndexPart> parts = mapped().parts();
    parts.push_back({"transform", map_.bytes()});
    return parts;
}

Result<Outcome> Transformed::search(RowView query, const SearchOptions& options, SearchScratch& scratch) const {
    scratch.mapped.resize(map_.room());
    auto outcome = mapped().search(map_.map_query(query, scratch.mapped.data()), options, scratch);
    if (!outcome) return outcome;
    lift(scratch.neighbors, map_.lift());
    outcome->exact = outcome->exact && !map_.drops();
    return outcome;
}

Result<Outcome> Transformed::range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const {
    scratch.mapped.resize(map_.room());
    RangeOptions within = options;
    const float by = map_.lift();
    if (by != 0) {  // a little more than that, since the sum of the two is rounded once more
        within.radius = options.radius - by;
        if (std::isfinite(within.radius)) within.radius += 0x1p-22F * std::max(std::abs(within.radius), by);
    }
    auto outcome = mapped().range_search(map_.map_query(query, scratch.mapped.data()), within, scratch);
    if (!outcome) return outcome;
    outcome->exact = outcome->exact && !map_.drops();
    if (by == 0) return outcome;
    lift(scratch.neighbors, by);
    std::vector<Neighbor>& found = scratch.neighbors;
    const auto beyond = std::find_if(found.begin(), found.end(),
                                     [&](const Neighbor& neighbor) { return neighbor.distance > options.radius; });
    if (beyond != found.end()) outcome->truncated = false;  // what the cap cut off lies farther still
    found.erase(beyond, found.end());
    return outcome;
}

Result<bool> Transformed::search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
    if (!has_batch(queries.rows(), options)) return false;  // before queries are mapped, and mapped again one by one
    std::vector<float> values(queries.rows() * map_.mapped_dim());
    map_.map_queries(queries, values.data(), options.threads);
    auto answered = mapped().search_batch(MatrixView(values.data(), queries.rows(), map_.mapped_dim()), options, out);
    if (!answered || !*answered) return answered;
    std::vector<Neighbor> neighbors;
    for (std::size_t q = 0; q < queries.rows(); ++q) {
        out.outcomes[q].exact = out.outcomes[q].exact && !map_.drops();
        if (map_.lift() == 0) continue;
        neighbors.clear();
        for (std::size_t i = 0; i < out.counts[q]; ++i) {
            neighbors.push_back({out.ids[q * out.k + i], out.distances[q * out.k + i]});
        }
        lift(neighbors, map_.lift());
        for (std::size_t i = 0; i < neighbors.size(); ++i) {
            out.ids[q * out.k + i] = neighbors[i].id;
            out.distances[q * out.k + i] = neighbors[i].distance;
        }
    }
    return true;
}

Result<std::unique_ptr<CursorModel>> Transformed::cursor(RowView query, const CursorOptions& options) const {
    std::vector<float> room(map_.room());
    auto cursor = mapped().cursor(map_.map_query(query, room.data()), options);
    if (!cursor) return cursor;
    return std::unique_ptr<CursorModel>(std::make_unique<TransformedCursor>(*std::move(cursor), map_));
}

Status Transformed::save(SectionWriter& writer) const {
    if (Status s = map_.save(writer); !s) return s;
    return mapped().save(writer);
}

}  // namespace tonari
