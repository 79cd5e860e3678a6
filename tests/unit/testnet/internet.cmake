kadwire_test(testnet_internet_tests
  SOURCES link_test.cpp nat_box_test.cpp
  TOGETHER cities_test.cpp firewall_test.cpp host_addresses_test.cpp host_interfaces_test.cpp internet_events_test.cpp internet_test.cpp
           internet_truth_test.cpp mapping_service_test.cpp
  LINKS kadwire_testnet_internet)
