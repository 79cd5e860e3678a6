kadwire_test(state_store_tests
  SOURCES state_store_test.cpp ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  LINKS kadwire_state)
