kadwire_test(testnet_scenario_tests
  SOURCES scenario_refusals_test.cpp
  TOGETHER library_test.cpp scenario_parser_test.cpp scenario_readme_test.cpp values_test.cpp
  LINKS kadwire_testnet_scenario)
target_compile_definitions(testnet_scenario_tests PRIVATE
  KADWIRE_TESTNET_README="${CMAKE_SOURCE_DIR}/tools/testnet/README.md")
