// Any bytes as a vector file of each kind. What opens is read to its last value.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <tonari/io/vecs.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tonari;
    constexpr std::array extensions = {"fbin",  "f16bin", "bf16bin", "u8bin", "i8bin", "b1bin",
                                       "fvecs", "bvecs",  "npy",     "ibin",  "ivecs"};
    auto owner = std::make_shared<std::vector<std::uint8_t>>(data, data + size);
    const Bytes bytes(owner, std::as_bytes(std::span(*owner)));
    unsigned sum = 0;
    for (const char* extension : extensions) {
        for (const std::size_t limit : {std::size_t{2}, static_cast<std::size_t>(-1)}) {
            if (const Result<Matrix> matrix = parse_matrix(extension, bytes, limit)) {
                const MatrixView view = matrix->view();
                for (std::size_t i = 0; i < view.rows(); ++i) {
                    const std::span row(view.row_data(i), row_bytes(view.element(), view.dim()));
                    sum += static_cast<unsigned>(row.front()) + static_cast<unsigned>(row.back());
                }
            }
            if (const Result<IdMatrix> ids = parse_ids(extension, bytes, limit)) {
                for (std::size_t i = 0; i < ids->rows; ++i) sum += static_cast<unsigned>(ids->row(i).back());
            }
        }
    }
    volatile unsigned keep = sum;
    (void)keep;
    return 0;
}
