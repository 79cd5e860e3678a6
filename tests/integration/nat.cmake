# The lab's NATs, and the real daemon behind them.
kadwire_lab_test(gateway_tests SOURCES gateway_test.cpp LINKS kadwire_lab kadwire_adapters)
kadwire_lab_test(nat_pair_tests SOURCES nat_pair_test.cpp
  LINKS kadwire_lab_mesh kadwire_statistics)
add_dependencies(nat_pair_tests kadwire kadwire-bootstrap)
kadwire_lab_test(port_mapping_mesh_tests SOURCES port_mapping_mesh_test.cpp
  LINKS kadwire_lab_mesh)
add_dependencies(port_mapping_mesh_tests kadwire kadwire-bootstrap)

# The commands that explain the network to people.
kadwire_lab_test(tools_tests TOGETHER netcheck_test.cpp path_tools_test.cpp LINKS kadwire_lab_mesh)
add_dependencies(tools_tests kadwire kadwire-bootstrap)
