#pragma once

/// The matrix as a picture for documents: an SVG of fixed colours on its own light ground, with
/// every number as text. It needs no script and no other file.

#include <string>

#include "tools/testnet/report/results.h"

namespace kadwire::testnet {

/// One square for each pair of kinds: the share of direct runs, in colour and in percent, and the
/// median time to the first tunnel. Framed where runs without any tunnel are.
[[nodiscard]] std::string matrix_picture(const MatrixResult& result);

}  // namespace kadwire::testnet
