# kadwire-bootstrap: its parts, and the program itself on loopback.
set(bootstrap_units ${CMAKE_SOURCE_DIR}/tests/unit/bootstrap)
kadwire_test(bootstrap_tests
  TOGETHER ${bootstrap_units}/bootstrap_node_test.cpp ${bootstrap_units}/bootstrap_options_test.cpp
          ${bootstrap_units}/bootstrap_stats_test.cpp ${bootstrap_units}/stats_socket_test.cpp
  LINKS kadwire_bootstrap_parts)

kadwire_test(bootstrap_process_tests
  SOURCES bootstrap_test.cpp ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  LINKS kadwire_adapters kadwire_dht kadwire_lab kadwire_rendezvous nlohmann_json::nlohmann_json)
add_dependencies(bootstrap_process_tests kadwire-bootstrap)
