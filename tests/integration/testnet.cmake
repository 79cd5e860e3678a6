# kadwire-testnet, held to its word.
kadwire_lab_test(testnet_agreement_tests
  SOURCES testnet_agreement_test.cpp
  LINKS kadwire_lab_mesh kadwire_statistics nlohmann_json::nlohmann_json SECONDS 180)
add_dependencies(testnet_agreement_tests kadwire kadwire-bootstrap kadwire-testnet)

kadwire_test(testnet_program_tests
  SOURCES testnet_program_test.cpp
  LINKS kadwire_lab nlohmann_json::nlohmann_json)
add_dependencies(testnet_program_tests kadwire-testnet)

# The library's scenarios take seconds of CPU each: one at a time, each with all cores.
add_executable(testnet_library_tests testnet_library_test.cpp)
target_link_libraries(testnet_library_tests PRIVATE
  kadwire_options GTest::gtest_main GTest::gtest kadwire_lab)
target_compile_definitions(testnet_library_tests PRIVATE KADWIRE_BIN="${CMAKE_BINARY_DIR}/bin")
add_dependencies(testnet_library_tests kadwire-testnet)
gtest_discover_tests(testnet_library_tests DISCOVERY_MODE PRE_TEST
  PROPERTIES TIMEOUT 300 LABELS testnet RUN_SERIAL TRUE)
