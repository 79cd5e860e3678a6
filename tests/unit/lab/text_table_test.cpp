#include "tools/lab/text_table.h"

#include <gtest/gtest.h>

namespace kadwire::lab {
namespace {

TEST(TextTable, AlignsColumnsAndLeavesNoTrailingSpaces) {
  TextTable table({"node", "peers"});
  table.add_row({"a", "4"});
  table.add_row({"longer", ""});
  EXPECT_EQ(table.to_string(),
            "node    peers\n"
            "a       4\n"
            "longer\n");
}

}  // namespace
}  // namespace kadwire::lab
