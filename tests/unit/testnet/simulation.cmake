kadwire_test(testnet_simulation_tests
  SOURCES ${CMAKE_SOURCE_DIR}/tests/support/start_crypto.cpp
  TOGETHER apart_watch_test.cpp event_queue_test.cpp judge_test.cpp options_test.cpp punch_truth_test.cpp sim_host_test.cpp
           simulation_heap_test.cpp worker_pool_test.cpp world_test.cpp
  LINKS kadwire_testnet_commands)
