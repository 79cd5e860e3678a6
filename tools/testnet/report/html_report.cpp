#include "tools/testnet/report/html_report.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cassert>
#include <span>
#include <string_view>

#include "tools/testnet/embedded_text.h"
#include "tools/testnet/report/results_json.h"

namespace kadwire::testnet {

/// The files of page/: one .html with marks such as /*STYLE*/, the .css and the .js, in order.
std::span<const EmbeddedText> report_page_files();

namespace {

/// The page's files that end so, one after the other.
std::string page_text(std::string_view ending) {
  std::string text;
  for (const EmbeddedText& file : report_page_files()) {
    if (file.name.ends_with(ending)) text += file.text;
  }
  return text;
}

/// A place in the page, and what goes there.
struct Insertion {
  std::string_view mark;
  std::string_view text;
};

/// As text between tags.
std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

/// As the content of a script element. In JSON a "<" occurs in texts only, and there its escape
/// means the same: so no name can end the element ("</script>") or hide its end ("<!--").
std::string script_escaped(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// Fills the page's marks, which come in this order. What is inserted is never searched for marks.
std::string filled(std::string_view page, const std::array<Insertion, 4>& insertions) {
  std::string html;
  for (const auto& [mark, text] : insertions) {
    const std::size_t at = page.find(mark);
    assert(at != std::string_view::npos);
    html.append(page.substr(0, at)).append(text);
    page.remove_prefix(at + mark.size());
  }
  return html.append(page);
}

std::string page_of(std::string_view title, const Json& results) {
  const std::string page = page_text(".html");
  const std::string heading = html_escaped(title);
  const std::string style = page_text(".css");
  const std::string data = script_escaped(json_text(results));
  const std::string script = page_text(".js");
  return filled(page, {{{"<!--TITLE-->", heading},
                        {"/*STYLE*/", style},
                        {"/*RESULTS*/", data},
                        {"/*SCRIPT*/", script}}});
}

}  // namespace

std::string html_report(const RunResult& result) {
  return page_of(result.scenario + " · testnet run", run_json(result));
}

std::string html_report(const MatrixResult& result) {
  return page_of("NAT matrix · testnet", matrix_json(result));
}

std::string html_report(const SweepResult& result) {
  return page_of(result.scenario + " over " + result.parameter + " · testnet sweep",
                 sweep_json(result));
}

}  // namespace kadwire::testnet
