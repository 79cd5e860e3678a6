# The lab's NATs, and the real daemon behind them.
kadwire_lab_test(gateway_tests SOURCES gateway_test.cpp LINKS kadwire_lab kadwire_adapters)
kadwire_lab_test(nat_pair_tests SOURCES nat_pair_test.cpp
  LINKS kadwire_lab_mesh kadwire_statistics)
add_dependencies(nat_pair_tests kadwire kadwire-bootstrap)
