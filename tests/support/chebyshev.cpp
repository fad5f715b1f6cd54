#include "support/chebyshev.hpp"

namespace tonari {

template Result<Index> build(std::string_view, test::Chebyshev, MatrixView, std::span<const Id>, const BuildOptions&);
template Result<Index> open_index(const SectionReader&, Flat<test::Chebyshev>);
template Result<GrowingIndex> grow(std::string_view, test::Chebyshev, Element, Dim, const BuildOptions&);
template Result<GrowingIndex> grow(std::string_view, test::Chebyshev, MatrixView, std::span<const Id>,
                                   const BuildOptions&);

}  // namespace tonari
