#include "cli/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "cli/text.hpp"

namespace tonari::cli {
namespace {

bool stderr_is_a_terminal() noexcept {
#if defined(__unix__) || defined(__APPLE__)
    return ::isatty(STDERR_FILENO) == 1;
#else
    return false;
#endif
}

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), next_(start_ + std::chrono::seconds(2)), terminal_(stderr_is_a_terminal()) {}

Progress::~Progress() {
    if (drawn_ && terminal_) std::fputs("\r\x1b[K", stderr);
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Progress::update(std::size_t done, std::size_t total) {
    const Clock::time_point now = Clock::now();
    if (now < next_ || total == 0) return;
    next_ =
        now + (terminal_ ? Clock::duration(std::chrono::milliseconds(100)) : Clock::duration(std::chrono::seconds(10)));
    draw(static_cast<double>(std::min(done, total)) / static_cast<double>(total));
    drawn_ = true;
}

void Progress::draw(double share) const {
    const double spent = seconds();
    std::string line = what_ + "  ";
    if (terminal_) {
        constexpr std::size_t width = 30;
        const auto full = static_cast<std::size_t>(share * width);
        line.append("[").append(full, '#').append(width - full, '.').append("]  ");
    }
    line += std::to_string(static_cast<int>(share * 100)) + " %  " + human_seconds(spent);
    if (share > 0.02 && share < 1)
        line.append(", about ").append(human_seconds(spent / share - spent)).append(" to go");
    std::fprintf(stderr, terminal_ ? "\r%s\x1b[K" : "%s\n", line.c_str());
    std::fflush(stderr);
}

}  // namespace tonari::cli
