// From growing lists to frozen ones and back.
//
// `freeze` cuts at one moment, while the index goes on living. The rows of each list lie in the order of their ids, as a build
// leaves them: where they lay before does not matter. `thaw` takes a frozen index as it is: frozen again, it has the same bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <tonari/index/growing_ivf.hpp>

namespace tonari {

/// The rows of one moment. O(rows log rows). Errors: not_found if there is no row, out_of_memory.
template <class C, class Coarse, class Reclaimer>
Result<IvfIndex<C, Coarse>> freeze(const GrowingIvf<C, Coarse, Reclaimer>& index) try {
    const Epoch::Pin pin = index.pin();
    const C& codec = index.codec();
    std::vector<std::size_t> sizes(index.lists().lists());
    std::vector<RowId> places;
    for (std::size_t list = 0; list < sizes.size(); ++list) {
        const std::size_t first = places.size();
        index.for_each_place(list, pin.moment(), [&](RowId place) { places.push_back(place); });
        std::sort(places.begin() + static_cast<std::ptrdiff_t>(first), places.end(),
                  [&](RowId a, RowId b) { return index.places().id(a) < index.places().id(b); });
        sizes[list] = places.size() - first;
    }
    if (places.empty()) return Error{ErrorCode::not_found, "expected at least one row to freeze, the index holds none"};
    auto partition = Partition::create(sizes);
    if (!partition) return std::move(partition).error();
    auto codes = AlignedBuffer::allocate(places.size() * codec.code_size());
    if (!codes) return std::move(codes).error();
    std::vector<Id> ids(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        std::memcpy(codes->data() + i * codec.code_size(), index.lists().code(places[i]), codec.code_size());
        ids[i] = index.places().id(places[i]);
    }
    auto map = IdMap::create(ids, {});
    if (!map) return std::move(map).error();
    return IvfIndex<C, Coarse>::over(StoredRows<C>(codec, std::move(*codes).freeze(), *std::move(map)),
                                     *std::move(partition), index.coarse_lists());
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a frozen copy of " + std::to_string(index.size()) + " rows"};
}

/// Growing lists about the centroids of frozen ones and with their rows, copied. O(rows). Errors: corrupt (ids that lie, in a
/// file that was not verified), out_of_memory.
template <class C, class Coarse>
Result<std::shared_ptr<GrowingIvf<C, Coarse>>> thaw(const IvfIndex<C, Coarse>& frozen) try {
    auto coarse = frozen.coarse_lists().in_memory();
    if (!coarse) return std::move(coarse).error();
    auto index = std::make_shared<GrowingIvf<C, Coarse>>(frozen.codec(), *std::move(coarse));
    if (Status s = index->take_over(frozen); !s) return s;
    return index;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory,
                 "no memory for a growing copy of " + std::to_string(frozen.size()) + " rows"};
}

template <Codec C, SearchIndex Coarse, class Reclaimer>
Status GrowingIvf<C, Coarse, Reclaimer>::take_over(const IvfIndex<C, Coarse>& frozen) {
    const std::lock_guard books(books_);
    const Moment moment = epoch_.now() + 1;
    coming_ = frozen.size();
    for (std::size_t list = 0; list < lists_.lists(); ++list) {
        const auto [first, last] = frozen.partition().rows_of(list);
        for (std::size_t row = first; row < last; ++row) {
            const Id id = frozen.ids().id(row);
            auto place = lists_.take(list);
            if (!place) return std::move(place).error();
            if (Status s = reserve_places(); !s) return s;
            if (id < 0 || places_.find(id) != no_row) {
                return Error{ErrorCode::corrupt,
                             "expected ids that are not negative, each once, got " + std::to_string(id)};
            }
            places_.expect(*place, id);
            std::memcpy(lists_.room(*place), frozen.rows().code(static_cast<RowId>(row)), codec_.code_size());
            settle(*place, moment);
            --coming_;
            next_id_.given(id);
        }
    }
    turn(moment);
    return {};
}

}  // namespace tonari
