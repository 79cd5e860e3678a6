# kadwire-testnet, held to its word.
kadwire_lab_test(testnet_agreement_tests ALONE
  SOURCES testnet_agreement_test.cpp
  LINKS kadwire_lab_mesh kadwire_statistics nlohmann_json::nlohmann_json SECONDS 300)
add_dependencies(testnet_agreement_tests kadwire kadwire-bootstrap kadwire-testnet)

kadwire_test(testnet_program_tests LONG
  SOURCES testnet_batch_test.cpp testnet_program_test.cpp
  LINKS kadwire_lab nlohmann_json::nlohmann_json)
add_dependencies(testnet_program_tests kadwire-testnet)

# The library's scenarios take seconds of CPU each: one at a time, its seeds on all cores. With a sanitizer
# each has one seed only, and keeps one core busy.
kadwire_test_program(testnet_library_tests SOURCES testnet_library_test.cpp
                     LINKS GTest::gtest_main kadwire_lab)
# Asked for its commit when the tests run: a build folder outlives many.
target_compile_definitions(testnet_library_tests PRIVATE KADWIRE_SOURCE="${CMAKE_SOURCE_DIR}")
add_dependencies(testnet_library_tests kadwire-testnet)
if(KADWIRE_SANITIZE)
  set(share ${KADWIRE_COMPUTES} COST ${KADWIRE_COST_LONG})
else()
  set(share RUN_SERIAL TRUE)
endif()
gtest_discover_tests(testnet_library_tests DISCOVERY_MODE PRE_TEST
  PROPERTIES TIMEOUT 300 LABELS testnet ${share})
