kadwire_test(testnet_device_tests
  SOURCES simulated_device_test.cpp simulated_peer_test.cpp wireguard_message_test.cpp
          ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  LINKS kadwire_testnet_device)

# Replaces the clocks of the whole process.
kadwire_test(testnet_hostile_tests
  SOURCES dht_message_test.cpp hostile_directory_test.cpp hostile_member_test.cpp
          member_watch_test.cpp ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  LINKS kadwire_testnet_programs)
