/// report_pages FOLDER: writes the sample reports there, for report_page_test.py to open.

#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/support/sample_results.h"
#include "tools/testnet/report/html_report.h"

int main(int argc, char** argv) {
  using namespace kadwire::testnet;
  if (argc != 2) {
    std::cerr << "usage: report_pages FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const std::pair<const char*, std::string> pages[] = {
      {"run.html", html_report(make_sample_result())},
      {"large.html", html_report(make_sample_result(100))},
      {"empty.html", html_report(make_empty_result())},
      {"hostile.html", html_report(make_hostile_result())},
      {"matrix.html", html_report(make_sample_matrix())},
      {"sweep.html", html_report(make_sample_sweep())}};
  for (const auto& [name, html] : pages) {
    std::ofstream file(folder / name, std::ios::binary);
    file << html;
    file.close();
    if (!file) {
      std::cerr << "report_pages: cannot write " << folder / name << '\n';
      return 1;
    }
  }
  return 0;
}
