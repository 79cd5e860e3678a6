kadwire_test(testnet_report_tests
  SOURCES matrix_picture_test.cpp
          ${CMAKE_SOURCE_DIR}/tests/support/sample_results.cpp
  TOGETHER html_report_test.cpp results_json_test.cpp run_figures_test.cpp
  LINKS kadwire_testnet_report)
target_compile_definitions(testnet_report_tests PRIVATE
  KADWIRE_SCHEMA="${CMAKE_SOURCE_DIR}/tools/testnet/report/SCHEMA.md")
