// Progress on stderr, for what takes longer than two seconds: a bar on a terminal, else a line every ten seconds.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <tonari/core/clock.hpp>

namespace tonari::cli {

class Progress {
public:
    explicit Progress(std::string what);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Wipes the bar.
    ~Progress();

    void update(std::size_t done, std::size_t total);
    /// What the library calls. This object must outlive it.
    [[nodiscard]] std::function<void(std::size_t, std::size_t)> callback() {
        return [this](std::size_t done, std::size_t total) { update(done, total); };
    }
    [[nodiscard]] double seconds() const;

private:
    void draw(double share) const;

    std::string what_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point next_;
    bool terminal_;
    bool drawn_ = false;
};

}  // namespace tonari::cli
