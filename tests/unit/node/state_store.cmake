set(state_store_sources state_folder.cpp state_frame.cpp state_store.cpp)
list(TRANSFORM state_store_sources PREPEND ${CMAKE_SOURCE_DIR}/node/)
kadwire_test(state_store_tests
  SOURCES state_store_test.cpp ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
          ${state_store_sources}
  LINKS kadwire_crypto)
