kadwire_test(testnet_scenario_tests
  SOURCES values_test.cpp
  LINKS kadwire_testnet_scenario)
