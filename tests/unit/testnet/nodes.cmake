kadwire_test(testnet_device_tests
  SOURCES ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  TOGETHER simulated_device_test.cpp simulated_peer_test.cpp wireguard_message_test.cpp
  LINKS kadwire_testnet_device)

# Replaces the clocks of the whole process.
kadwire_test(testnet_hostile_tests
  SOURCES hostile_directory_test.cpp upgrade_test.cpp why_truth_test.cpp
          ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  TOGETHER dht_message_test.cpp hostile_member_test.cpp late_farewell_test.cpp member_watch_test.cpp
  LINKS kadwire_testnet_programs)
