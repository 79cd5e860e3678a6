kadwire_test(testnet_report_tests
  SOURCES html_report_test.cpp results_json_test.cpp run_figures_test.cpp
          ${CMAKE_SOURCE_DIR}/tests/support/sample_results.cpp
  LINKS kadwire_testnet_report)
target_compile_definitions(testnet_report_tests PRIVATE
  KADWIRE_SCHEMA="${CMAKE_SOURCE_DIR}/tools/testnet/report/SCHEMA.md")
