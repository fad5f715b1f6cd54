// Replays a fuzz target without libFuzzer, the same way each time, so that it is an ordinary test under any compiler.
//
//     replay_<name> [FILE or FOLDER ...]
//
// Every input is given whole, cut at many lengths, and with bytes changed: single bits, and the values on which
// lengths and offsets break. An empty input and a few noisy ones are always among them. A crash is the failure.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

std::size_t runs = 0;

void run(const Input& input) {
    // A copy of exactly this size on the heap: AddressSanitizer sees a read of the byte behind it.
    const Input exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    ++runs;
}

Input read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void run_all_forms(const Input& input, std::uint32_t seed) {
    run(input);

    constexpr std::size_t cuts = 128;
    for (std::size_t i = 0; i < cuts; ++i) {
        const std::size_t size = input.size() <= cuts ? i : input.size() * i / cuts;
        if (size < input.size()) run(Input(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size)));
    }

    if (input.empty()) return;
    std::mt19937 random(seed);
    // Two of three changes fall into the first kilobytes, where frames and lengths stand.
    const auto place = [&] {
        const std::size_t end = random() % 3 == 0 ? input.size() : std::min<std::size_t>(input.size(), 4096);
        return random() % end;
    };
    constexpr std::uint64_t nasty[] = {0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, ~0ULL};
    for (int i = 0; i < 600; ++i) {
        Input changed = input;
        const auto changes = 1 + random() % 3;
        for (unsigned c = 0; c < changes; ++c) {
            const std::size_t at = place();
            if (random() % 2 == 0) {
                changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (random() % 8)));
                continue;
            }
            std::uint64_t value = nasty[random() % std::size(nasty)];
            const std::size_t width = std::size_t{1} << (random() % 4);
            const std::size_t first = at / width * width;
            for (std::size_t b = 0; b < width && first + b < changed.size(); ++b, value >>= 8U) {
                changed[first + b] = static_cast<std::uint8_t>(value);
            }
        }
        run(changed);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (std::filesystem::is_directory(argv[i])) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
                if (entry.is_regular_file()) files.push_back(entry.path());
            }
        } else if (std::filesystem::is_regular_file(argv[i])) {
            files.emplace_back(argv[i]);
        }
    }
    std::sort(files.begin(), files.end());

    run({});
    std::mt19937 random(1);
    for (const std::size_t size : {1U, 16U, 64U, 300U, 5000U}) {
        Input noise(size);
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        run_all_forms(noise, static_cast<std::uint32_t>(size));
    }
    std::uint32_t seed = 0;
    for (const auto& file : files) run_all_forms(read(file), ++seed);

    std::printf("%zu inputs from %zu files\n", runs, files.size());
    return 0;
}
