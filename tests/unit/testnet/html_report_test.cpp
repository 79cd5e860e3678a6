#include "tools/testnet/report/html_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/sample_results.h"
#include "tools/testnet/report/results_json.h"

namespace kadwire::testnet {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// The JSON that the page carries.
std::string results_in(const std::string& html) {
  const std::string begin = R"(id="results">)";
  const std::size_t from = html.find(begin) + begin.size();
  return html.substr(from, html.find("</script>", from) - from);
}

TEST(HtmlReport, CarriesItsResults) {
  const RunResult result = make_sample_result();
  const auto read = run_from_json(results_in(html_report(result)));
  ASSERT_TRUE(read) << read.error().field;
  EXPECT_EQ(*read, result);
}

TEST(HtmlReport, CarriesHostileNamesUnharmed) {
  const RunResult result = make_hostile_result();
  const auto read = run_from_json(results_in(html_report(result)));
  ASSERT_TRUE(read) << read.error().field;
  EXPECT_EQ(*read, result);
}

TEST(HtmlReport, NeverLetsANameBecomeMarkup) {
  const std::string html = html_report(make_hostile_result());
  EXPECT_EQ(count_of(html, "<img"), 0u);
  EXPECT_EQ(count_of(html, "<script"), 2u);
  EXPECT_EQ(count_of(html, "</script"), 2u);
}

TEST(HtmlReport, IsOneFileThatNamesNoOther) {
  const std::string pages[] = {html_report(make_sample_result(3)),
                               html_report(make_sample_matrix()), html_report(make_sample_sweep())};
  for (const std::string& html : pages) {
    EXPECT_EQ(count_of(html, "src="), 0u);
    EXPECT_EQ(count_of(html, "<link"), 0u);
    EXPECT_EQ(count_of(html, "@import"), 0u);
    EXPECT_EQ(count_of(html, "url("), 0u);
    EXPECT_EQ(count_of(html, "://"), 1u);  // the name of SVG's namespace
  }
}

TEST(HtmlReport, FillsEveryMarkOfThePage) {
  const std::string html = html_report(make_sample_sweep());
  for (const char* mark : {"<!--TITLE-->", "/*STYLE*/", "/*RESULTS*/", "/*SCRIPT*/"}) {
    EXPECT_EQ(count_of(html, mark), 0u) << mark;
  }
  EXPECT_EQ(count_of(html, "<title>flash-crowd over link.default.loss · testnet sweep</title>"),
            1u);
}

}  // namespace
}  // namespace kadwire::testnet
