#include "tools/testnet/report/matrix_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/sample_results.h"

namespace kadwire::testnet {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

MatrixResult one_cell(std::size_t runs, std::size_t direct, std::size_t relayed = 0) {
  MatrixCell cell;
  cell.runs = runs;
  cell.direct = direct;
  cell.relayed = relayed;
  cell.p50 = milliseconds(1240);
  MatrixResult matrix;
  matrix.kinds = {"full-cone"};
  matrix.cells = {{cell}};
  return matrix;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(MatrixPicture, DrawsEveryPairOfKindsOnceOnOneGround) {
  const MatrixResult matrix = make_sample_matrix();
  const std::size_t kinds = matrix.kinds.size();
  EXPECT_EQ(count_of(matrix_picture(matrix), "<rect"), 1 + kinds * (kinds + 1) / 2);
}

TEST(MatrixPicture, TellsTheShareOfDirectRunsAndTheMedianTime) {
  const std::string svg = matrix_picture(one_cell(4, 3, 1));
  EXPECT_THAT(svg, HasSubstr(">75 %<"));
  EXPECT_THAT(svg, HasSubstr(">1.2 s<"));
  EXPECT_THAT(svg, Not(HasSubstr("stroke=")));
}

TEST(MatrixPicture, FramesACellWithRunsWithoutATunnel) {
  EXPECT_THAT(matrix_picture(one_cell(4, 3)), HasSubstr("stroke="));
}

TEST(MatrixPicture, SaysNothingOfPairsThatNoPathConnects) {
  MatrixResult matrix = one_cell(4, 0);
  matrix.cells[0][0].possible = false;
  const std::string svg = matrix_picture(matrix);
  EXPECT_THAT(svg, HasSubstr(">–<"));
  EXPECT_THAT(svg, Not(HasSubstr("0 %")));
}

TEST(MatrixPicture, NeverLetsANameBecomeMarkup) {
  MatrixResult matrix = one_cell(1, 1);
  matrix.kinds = {"<script>&"};
  matrix.command = "</text><script>";
  const std::string svg = matrix_picture(matrix);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;&amp;"));
}

}  // namespace
}  // namespace kadwire::testnet
