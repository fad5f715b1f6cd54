#include "answers.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>

#include "arrays.hpp"
#include "errors.hpp"

namespace py = pybind11;

namespace tonari::python {
namespace {

std::string count_of(std::size_t some, std::size_t all) {
    return std::to_string(some) + " of " + std::to_string(all) + (all == 1 ? " query" : " queries");
}

// Who does not look at the outcomes must still not take a part for the whole.
void warn_of(const std::vector<Outcome>& outcomes) {
    const auto late = static_cast<std::size_t>(
        std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return !o.complete; }));
    const auto cut = static_cast<std::size_t>(
        std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return o.truncated; }));
    if (late != 0) {
        warn_incomplete("the timeout passed before " + count_of(late, outcomes.size()) +
                        " had been answered in full; with_outcomes=True says which");
    }
    if (cut != 0) {
        warn_incomplete(count_of(cut, outcomes.size()) +
                        " had more rows within the radius than `cap`; with_outcomes=True says which");
    }
}

py::array_t<Outcome> outcomes_of(std::vector<Outcome>&& outcomes) {
    const auto count = static_cast<py::ssize_t>(outcomes.size());
    return own(std::move(outcomes), {count});
}

}  // namespace

void register_outcome() { PYBIND11_NUMPY_DTYPE(Outcome, complete, truncated, exact, hops, distances, refined); }

py::tuple tuple_of(Answers&& answers, bool single, bool with_outcomes) {
    if (!with_outcomes) warn_of(answers.outcomes);
    const auto queries = static_cast<py::ssize_t>(answers.queries);
    const auto k = static_cast<py::ssize_t>(answers.k);
    const std::vector<py::ssize_t> shape = single ? std::vector{k} : std::vector{queries, k};
    auto ids = own(std::move(answers.ids), shape);
    auto distances = own(std::move(answers.distances), shape);
    if (!with_outcomes) return py::make_tuple(std::move(ids), std::move(distances));
    py::object outcomes = outcomes_of(std::move(answers.outcomes));
    if (single) outcomes = outcomes[py::int_(0)];
    return py::make_tuple(std::move(ids), std::move(distances), std::move(outcomes));
}

py::tuple tuple_of(RangeAnswers&& answers, bool with_outcomes) {
    if (!with_outcomes) warn_of(answers.outcomes);
    const auto found = static_cast<py::ssize_t>(answers.ids.size());
    py::array_t<std::int64_t> offsets(static_cast<py::ssize_t>(answers.offsets.size()));
    std::transform(answers.offsets.begin(), answers.offsets.end(), offsets.mutable_data(),
                   [](std::size_t offset) { return static_cast<std::int64_t>(offset); });
    auto ids = own(std::move(answers.ids), {found});
    auto distances = own(std::move(answers.distances), {found});
    if (!with_outcomes) return py::make_tuple(std::move(offsets), std::move(ids), std::move(distances));
    return py::make_tuple(std::move(offsets), std::move(ids), std::move(distances),
                          outcomes_of(std::move(answers.outcomes)));
}

}  // namespace tonari::python
