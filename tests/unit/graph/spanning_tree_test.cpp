// The tree that keeps a growing graph whole: without rows, links at random, so that lists full of children are common.
#include <tonari/graph/spanning_tree.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <tonari/core/random.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// Vertices that come with links to others, lose some, and go; as graph/insert.hpp and graph/repair.hpp do it, at random.
class Grove {
public:
    explicit Grove(std::size_t links) : graph_(links), tree_(graph_) {}

    [[nodiscard]] GrowingGraph& graph() noexcept { return graph_; }
    [[nodiscard]] SpanningTree& tree() noexcept { return tree_; }

    /// Comes below one of `alive`, or below none, as the root.
    RowId join(const std::vector<RowId>& alive, Random& random) {
        RowId vertex = no_row;
        {
            const std::lock_guard books(books_);
            vertex = graph_.take(1).value();
            if (alive.empty()) {
                tree_.crown({vertex, 1});
                return vertex;
            }
        }
        for (std::size_t i = random.below(graph_.degree(0)); i-- > 0;) link(vertex, alive[random.below(alive.size())]);
        const RowId near = alive[random.below(alive.size())];
        if (random.below(2) == 0 && link(near, vertex, true)) return vertex;
        tree_.hang(vertex, near);
        return vertex;
    }
    /// A list lets some links go that it may.
    void prune(RowId vertex, Random& random) {
        const GrowingGraph::Lock lock(graph_, vertex);
        std::size_t count = read(vertex);
        for (std::size_t i = count; i-- > 0;) {
            if (random.below(2) == 0 && !tree_.is_child(vertex, space[i])) graph_.take_out(0, vertex, i, count--);
        }
    }
    /// Dies; if it is the root, one of `others` takes its place.
    void die(RowId vertex, const std::vector<RowId>& others, Random& random) {
        const std::lock_guard books(books_);
        graph_.record(vertex).died.store(1);
        if (tree_.root() == vertex && !others.empty()) tree_.crown({others[random.below(others.size())], 1});
    }
    /// Who links to it lets it go; how many still hold it as their child.
    std::size_t leave(RowId vertex) {
        static_cast<void>(tree_.hand_on(vertex));
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < graph_.vertices(); ++i) {
            const auto from = static_cast<RowId>(i);
            const GrowingGraph::Lock lock(graph_, from);
            const std::size_t count = read(from);
            const auto at =
                static_cast<std::size_t>(std::find(space.data(), space.data() + count, vertex) - space.data());
            if (at == count) continue;
            wrong += tree_.is_child(from, vertex) ? 1 : 0;
            graph_.take_out(0, from, at, count);
        }
        return wrong;
    }
    /// After `leave`, nobody else being about.
    void free(RowId vertex) {
        for (std::size_t i = read(vertex); i-- > 0;) graph_.take_out(0, vertex, i, i + 1);
        graph_.give_back(vertex);
    }
    /// What is wrong at rest: each of `alive` comes to the root by parents that link to it, of lower ranks, and is reached.
    std::size_t wrong(const std::vector<RowId>& alive) {
        std::size_t wrong = 0;
        std::vector<bool> reached(graph_.vertices(), false);
        std::vector<RowId> queue;
        const auto reach = [&](RowId vertex) {
            if (!reached[vertex]) queue.push_back(vertex);
            reached[vertex] = true;
        };
        if (!alive.empty()) reach(graph_.entry().vertex);
        while (!queue.empty()) {
            const std::size_t count = read(queue.back());
            queue.pop_back();
            for (std::size_t i = 0; i < count; ++i) reach(space[i]);
        }
        for (const RowId vertex : alive) {
            wrong += reached[vertex] ? 0 : 1;
            RowId at = vertex;
            for (RowId parent = tree_.parent(at); parent != no_row; at = parent, parent = tree_.parent(at)) {
                const std::size_t count = read(parent);
                wrong += std::count(space.data(), space.data() + count, at) == 1 ? 0 : 1;
                if (!tree_.is_before(parent, at)) return wrong + 1;
            }
            wrong += at == tree_.root() && at == graph_.entry().vertex ? 0 : 1;
        }
        return wrong;
    }

private:
    std::size_t read(RowId vertex) { return graph_.read(0, vertex, space.data()); }
    bool link(RowId from, RowId to, bool as_child = false) {
        const GrowingGraph::Lock lock(graph_, from);
        const std::size_t count = read(from);
        if (from == to || count == graph_.degree(0) ||
            std::find(space.data(), space.data() + count, to) != space.data() + count) {
            return false;
        }
        graph_.put(0, from, count, to);
        if (as_child) tree_.take_in(from, to);
        return true;
    }

    static thread_local std::array<RowId, max_batch> space;
    GrowingGraph graph_;
    SpanningTree tree_;
    std::mutex books_;
};

thread_local std::array<RowId, max_batch> Grove::space;

RowId take_at_random(std::vector<RowId>& from, Random& random) {
    std::swap(from[random.below(from.size())], from.back());
    const RowId vertex = from.back();
    from.pop_back();
    return vertex;
}

}  // namespace

TEST_CASE("spanning tree: whatever comes and goes, all that is alive can be reached", "[graph]") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        for (const bool oldest_first : {false, true}) {
            INFO("seed " << seed << ", oldest first " << oldest_first);
            Grove grove(2);
            Random random(seed);
            std::vector<RowId> alive;
            std::size_t wrong = 0;
            for (int step = 0; step < 4000; ++step) {
                const bool grows = alive.size() < 20 || (alive.size() < 400 && random.below(4) != 0 && step < 3900);
                if (grows) {
                    alive.push_back(grove.join(alive, random));
                } else {
                    const RowId gone = oldest_first ? alive.front() : take_at_random(alive, random);
                    if (oldest_first) alive.erase(alive.begin());
                    grove.die(gone, alive, random);
                    wrong += grove.leave(gone);
                    grove.free(gone);
                }
                grove.prune(alive[random.below(alive.size())], random);
                wrong += grove.wrong(alive);
            }
            CHECK(wrong == 0);
            while (!alive.empty()) {  // to the last, which is the root
                const RowId gone = take_at_random(alive, random);
                grove.die(gone, alive, random);
                wrong += grove.leave(gone);
                grove.free(gone);
                wrong += grove.wrong(alive);
            }
            CHECK(wrong == 0);
            CHECK(grove.tree().root() == no_row);
            alive.push_back(grove.join(alive, random));  // and from the beginning
            CHECK(grove.wrong(alive) == 0);
        }
    }
}

TEST_CASE("spanning tree: a list full of children passes the next one down", "[graph]") {
    Grove grove(2);
    Random random(5);
    const RowId hub = grove.join({}, random);
    std::vector<RowId> alive{hub};
    for (int i = 0; i < 500; ++i) alive.push_back(grove.join({hub}, random));  // all of them want the same parent
    CHECK(grove.wrong(alive) == 0);
    std::size_t children = 0;
    for (const RowId vertex : alive) children += grove.tree().is_child(hub, vertex) ? 1 : 0;
    CHECK(children == grove.graph().degree(0));
    // An old one comes below a list full of younger ones: it takes one of them in.
    const std::vector<RowId> parts(alive.begin() + 1, alive.end());
    for (const RowId vertex : parts) {
        alive.erase(std::find(alive.begin(), alive.end(), vertex));
        grove.die(vertex, alive, random);
        CHECK(grove.leave(vertex) == 0);
        REQUIRE(grove.wrong(alive) == 0);
    }
}

TEST_CASE("spanning tree: planted over links that lead nowhere, it links what they leave out", "[graph]") {
    GrowingGraph graph(2);
    SpanningTree tree(graph);
    constexpr RowId vertices = 300;
    for (RowId i = 0; i < vertices; ++i) REQUIRE(graph.take(1).value() == i);
    for (RowId i = 0; i < vertices; ++i) {  // rings of three
        graph.put(0, i, 0, i / 3 * 3 + (i + 1) % 3);
    }
    graph.set_entry({7, 1});
    tree.plant();
    std::size_t wrong = 0;
    for (RowId i = 0; i < vertices; ++i) {
        RowId at = i;
        for (RowId parent = tree.parent(at); parent != no_row && wrong == 0; at = parent, parent = tree.parent(at)) {
            std::array<RowId, max_batch> links;
            const std::size_t count = graph.read(0, parent, links.data());
            wrong += std::count(links.data(), links.data() + count, at) == 1 && tree.is_before(parent, at) ? 0 : 1;
        }
        wrong += at == 7 ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("spanning tree: threads that add, prune and leave side by side keep it whole at every moment", "[graph]") {
    Grove grove(2);
    Random random(11);
    constexpr unsigned writers = 4;
    std::array<std::vector<RowId>, writers> own;
    std::vector<RowId> first;
    for (unsigned i = 0; i < 40; ++i) {
        first.push_back(grove.join(first, random));
        own[i % writers].push_back(first.back());
    }
    std::atomic<bool> stop{false};
    std::atomic<std::size_t> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < writers; ++thread) {
        threads.emplace_back([&, thread] {
            Random draw(20 + thread);
            std::vector<RowId>& alive = own[thread];  // each knows its own: who is another's may be leaving
            for (int step = 0; step < 1500; ++step) {
                if (alive.size() < 30 || draw.below(2) == 0) {
                    alive.push_back(grove.join(alive, draw));
                } else {
                    const RowId gone = take_at_random(alive, draw);
                    grove.die(gone, alive, draw);
                    wrong += grove.leave(gone);
                }
                grove.prune(alive[draw.below(alive.size())], draw);
            }
        });
    }
    std::thread watcher([&] {  // a parent that is the same before and after has had its child in its list
        std::array<RowId, max_batch> links;
        std::size_t at = 0;
        while (!stop) {
            const auto vertex = static_cast<RowId>(at++ % grove.graph().vertices());
            const std::uint64_t before = grove.graph().record(vertex).parent.load();
            const auto parent = static_cast<RowId>(before);
            if (parent == no_row) continue;
            std::size_t count = 0;
            {
                const GrowingGraph::Lock lock(grove.graph(), parent);
                count = grove.graph().read(0, parent, links.data());
            }
            const bool linked = std::find(links.data(), links.data() + count, vertex) != links.data() + count;
            if (!linked && grove.graph().record(vertex).parent.load() == before) ++wrong;
        }
    });
    for (std::thread& thread : threads) thread.join();
    stop = true;
    watcher.join();
    std::vector<RowId> alive;
    for (const auto& part : own) alive.insert(alive.end(), part.begin(), part.end());
    CHECK(wrong == 0);
    CHECK(grove.wrong(alive) == 0);
}
