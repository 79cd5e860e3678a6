/// main() of every test program that uses the lab: runs the tests inside a cell, so that whatever
/// ends the program takes the lab with it.

#include <gtest/gtest.h>

#include "tools/lab/cell.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Without a cell the fixture skips each test, with the reason.
  if (::testing::GTEST_FLAG(list_tests) || kadwire::lab::lab_obstacle()) return RUN_ALL_TESTS();
  return kadwire::lab::run_in_cell([] { return RUN_ALL_TESTS(); });
}
